// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import SystemPackage

/// Calls handlers when descriptors become ready; one thread, no polling.
package final class EventLoop {
    private let poller: Poller
    private var handlers: [CInt: () -> Void] = [:]
    private var isStopped = false

    package init() throws(Errno) { poller = try Poller() }

    /// Calls `handler` whenever `fd` is ready, until ``forget(_:)``. The caller keeps the descriptor open.
    package func watch(_ fd: CInt, _ interest: Poller.Interest = .readable, handler: @escaping () -> Void) throws(Errno)
    {
        try poller.add(fd, interest)
        handlers[fd] = handler
    }

    package func forget(_ fd: CInt) {
        guard handlers.removeValue(forKey: fd) != nil else { return }
        poller.remove(fd)
    }

    /// Runs handlers until ``stop()``.
    package func run() throws(Errno) {
        isStopped = false
        while !isStopped {
            for (fd, _) in try poller.wait() {
                // An earlier handler of this round may have forgotten it.
                handlers[fd]?()
                if isStopped { break }
            }
        }
    }

    package func stop() { isStopped = true }
}

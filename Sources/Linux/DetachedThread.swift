// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import SystemPackage

/// Threads that nobody waits for.
package enum DetachedThread {
    private final class Work {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Runs `body` on a thread of its own, in which all signals are blocked. See `pthread_create(3)`.
    ///
    /// Unlike a thread of a pool it may wait for ever, or change its credentials, without a consequence for other work.
    package static func run(_ body: @escaping @Sendable () -> Void) throws(Errno) {
        let reference = Unmanaged.passRetained(Work(body))
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let error = pthread_create(
            &thread, &attributes,
            { raw in
                // The reference that was retained for this thread; `raw` is what pthread_create(3) passes on.
                Unmanaged<Work>.fromOpaque(raw!).takeRetainedValue().body()
                return nil
            }, reference.toOpaque())
        guard error == 0 else {
            reference.release()
            throw Errno(rawValue: error)
        }
    }
}

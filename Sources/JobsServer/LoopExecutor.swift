// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Supervisor
import Synchronization
import SystemPackage

/// The one thread on which the queue lives: it runs the actor's jobs and the event loop's handlers in turn.
///
/// A custom executor and not the shared pool, because the supervisor's descriptors become ready on an epoll that somebody
/// has to wait in, and because a pool thread must never block.
package final class LoopExecutor: SerialExecutor, @unchecked Sendable {
    // Unchecked, because `loop` is no Sendable: only the loop's thread touches it, which `checkIsolated` proves, and
    // before the thread runs nobody else has it.
    private let loop: EventLoop
    private let wake: Descriptor
    private let inbox = Mutex(Inbox())

    private struct Inbox {
        var jobs: [UnownedJob] = []
        var blocks: [@Sendable () -> Void] = []
        /// Whether the loop has been woken for what is in here.
        var isAwaited = false
        var thread: pthread_t?
    }

    package init() throws(Errno) {
        loop = try EventLoop()
        wake = try makeEventCounter()
        try loop.watch(wake.rawValue) { [unowned self] in takeInbox() }
    }

    /// Starts the thread, which lives as long as the process. All signals are blocked in it but those of its own faults.
    package func start() throws(Errno) {
        try DetachedThread.run { [self] in
            inbox.withLock { $0.thread = pthread_self() }
            CrashNote.prepareThread()
            run()
        }
    }

    private func run() {
        do throws(Errno) { try loop.run() } catch {
            // epoll_wait on our own descriptor fails for no reason that goes away.
            fatalError("the event loop of jobsd cannot wait: \(error)")
        }
    }

    /// The loop, for what lives on its thread, and for whoever prepares that before the thread runs.
    var eventLoop: EventLoop {
        if inbox.withLock({ $0.thread }) != nil { checkIsolated() }
        return loop
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        put { $0.jobs.append(job) }
    }

    /// Runs `block` on the thread, after what was posted before.
    func post(_ block: @escaping @Sendable () -> Void) {
        put { $0.blocks.append(block) }
    }

    private func put(_ change: (inout sending Inbox) -> Void) {
        let isFirst = inbox.withLock { inbox in
            change(&inbox)
            defer { inbox.isAwaited = true }
            return !inbox.isAwaited
        }
        if isFirst { try? wake.write([1, 0, 0, 0, 0, 0, 0, 0]) }
    }

    private func takeInbox() {
        _ = try? wake.read(limit: 8)
        let (blocks, jobs) = inbox.withLock { inbox in
            defer { (inbox.blocks, inbox.jobs, inbox.isAwaited) = ([], [], false) }
            return (inbox.blocks, inbox.jobs)
        }
        for block in blocks { block() }
        for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
    }

    package func checkIsolated() {
        precondition(isIsolatingCurrentContext() == true, "not on the queue's thread")
    }

    package func isIsolatingCurrentContext() -> Bool? {
        inbox.withLock { inbox in inbox.thread.map { pthread_equal($0, pthread_self()) != 0 } ?? false }
    }
}

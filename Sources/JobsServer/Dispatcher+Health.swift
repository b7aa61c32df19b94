// SPDX-License-Identifier: Apache-2.0
import JobModel
import Linux

/// What tells a service manager that the queue is alive and how it stands.
extension Dispatcher {
    /// Calls `beat` on the queue's thread now and then every `microseconds`: as long as it comes, the queue moves.
    package func beat(every microseconds: Int, _ beat: @escaping @Sendable () -> Void) throws {
        beat()
        try start(Linux.Timer(), every: microseconds, beat)
    }

    /// Calls `body` every so many µs, for as long as the loop watches the timer.
    func start(_ timer: Linux.Timer, every microseconds: Int, _ body: @escaping @Sendable () -> Void) throws {
        try executor.eventLoop.watch(timer.descriptor.rawValue) {
            timer.acknowledge()
            body()
            try? timer.arm(microseconds: microseconds)
        }
        try timer.arm(microseconds: microseconds)
    }

    /// Calls `body` once, after so many µs, if the loop still watches the timer then.
    func after(microseconds: Int, _ body: @escaping () -> Void) throws -> Linux.Timer {
        let timer = try Linux.Timer()
        try executor.eventLoop.watch(timer.descriptor.rawValue) { [executor] in
            executor.eventLoop.forget(timer.descriptor.rawValue)
            body()
        }
        try timer.arm(microseconds: microseconds)
        return timer
    }

    /// Calls `tell` with a line of how the queue stands, now and after changes, but at most once a second.
    package func onStatus(_ tell: @escaping @Sendable (String) -> Void) throws {
        let timer = try Linux.Timer()
        try executor.eventLoop.watch(timer.descriptor.rawValue) { [self] in
            timer.acknowledge()
            isStatusDue = false
            tell(statusLine)
        }
        statusTimer = timer
        tell(statusLine)
    }

    /// Something changed that the line shows.
    func statusChanged() {
        guard let statusTimer, !isStatusDue else { return }
        isStatusDue = true
        try? statusTimer.arm(microseconds: 1_000_000)
    }

    private var statusLine: String {
        let jobs = scheduler.counts
        let words = "\(jobs.running) running, \(jobs.waiting) waiting"
        if let storeTrouble { return "\(words); nothing starts: \(storeTrouble.description)" }
        return wishes.isDraining ? words + "; draining" : words
    }
}

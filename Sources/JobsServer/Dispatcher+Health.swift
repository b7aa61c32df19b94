// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import Queue
import Scheduler

/// The signs for a service manager that the queue is alive, and how it stands.
extension Dispatcher {
    /// Calls `beat` on the queue's thread now and every `microseconds`: as long as it comes, the queue moves.
    package func beat(every microseconds: Int, _ beat: @escaping @Sendable () -> Void) {
        beat()
        clock.after(microseconds) { [self] in self.beat(every: microseconds, beat) }
    }

    /// Calls `tell` with a line of how the queue stands, now and after changes, but at most once a second.
    package func onStatus(_ tell: @escaping @Sendable (String) -> Void) {
        tellStatus = tell
        tell(statusLine)
    }

    /// Something changed that the line shows.
    func statusChanged() {
        guard let tellStatus, !isStatusDue else { return }
        isStatusDue = true
        clock.after(1_000_000) { [self] in
            isStatusDue = false
            tellStatus(statusLine)
        }
    }

    private var statusLine: String {
        let jobs = scheduler.counts
        let words = "\(jobs.running) running, \(jobs.waiting) waiting"
        if let trouble = ledger.trouble { return "\(words); nothing starts: \(trouble.description)" }
        return queueSettings.isDraining ? words + "; draining" : words
    }
}

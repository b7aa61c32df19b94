// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import Logging
import Queue
import Scheduler

/// Jobs that do not start before a person has looked at them.
extension Dispatcher {
    /// Holds a job that waits, here and on disk, with the reason.
    func quarantine(_ job: StoredJob, _ reason: String) {
        log.error("held: \(reason)", metadata: ["JOB_ID": "\(job.id)"])
        scheduler.hold(job.id)
        // A damaged row says so itself whenever it is read.
        guard job.damage == nil, job.state == .pending else { return }
        commit([.changed(job: job.id, to: .held, cause: nil, detail: reason, at: now)]) { _ in }
    }

    /// The same for one whose attempt is under way: that is given up unseen, and the job is held.
    func quarantineRunning(_ job: StoredJob, _ reason: String) {
        log.error("held: \(reason)", metadata: ["JOB_ID": "\(job.id)"])
        let entry = QueuedAttempt(unread: job, number: job.attempt)
        let record = lost(entry, "It was given up: jobsd died more than once over it.")
        let changes: [Change] = [
            .attemptEnded(
                job: job.id, number: job.attempt, verdict: record.verdict, figures: AttemptFigures(),
                record: record.json.text(), at: now),
            .changed(job: job.id, to: .held, cause: nil, detail: reason, at: now),
        ]
        apply(.adopt(entry), to: job.id)
        apply(.end(EndedAttempt(attempt: entry, changes: changes, sequel: .hold)), to: job.id)
    }
}

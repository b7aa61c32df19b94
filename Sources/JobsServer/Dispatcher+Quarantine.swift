// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore

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
}

extension APIFailure {
    static func damaged(_ job: StoredJob, _ damage: String) -> APIFailure {
        APIFailure(409, "job \(job.id) cannot start: \(damage); cancel it and submit it anew")
    }
}

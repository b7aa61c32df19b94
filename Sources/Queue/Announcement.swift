// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore

/// A change of a job's state that is on disk, as its followers hear of it.
package struct Announcement: Hashable, Sendable {
    package var job: Int
    package var at: Timestamp
    package var state: JobState
    package var cause: Cause?
    /// The number of the attempt that began or ended by it.
    package var attempt: Int?
    package var detail: String?

    package init(
        job: Int, at: Timestamp, state: JobState, cause: Cause? = nil, attempt: Int? = nil, detail: String? = nil
    ) {
        self.job = job
        self.at = at
        self.state = state
        self.cause = cause
        self.attempt = attempt
        self.detail = detail
    }

    /// - Returns: `nil` for a change that leaves the state as it is.
    package init?(_ change: Change) {
        switch change {
        case .submitted(let job, _): self.init(job: job.id, at: job.submittedAt, state: job.state)
        case .attemptStarted(let job, let number, _, _, let at):
            self.init(job: job, at: at, state: .running, attempt: number)
        case .attemptEnded(let job, let number, let verdict, _, _, let at):
            self.init(
                job: job, at: at, state: verdict.state, cause: verdict.cause, attempt: number, detail: verdict.message)
        case .changed(let job, let state, let cause, let detail, let at):
            self.init(job: job, at: at, state: state, cause: cause, detail: detail)
        case .keyed, .attemptPlaced, .updated, .removed: return nil
        }
    }
}

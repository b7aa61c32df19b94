// SPDX-License-Identifier: Apache-2.0
import JobModel

/// One thing that happened to one job. Every change of state leaves a line in the job's history.
package enum Change: Hashable, Sendable {
    /// A new job, pending or held. Its id is higher than every id before it; what it has done so far is nothing.
    case submitted(StoredJob, JobDocument)
    /// The submission of a job, or of an array that begins with it, can be repeated.
    case keyed(KeyedSubmission)
    /// The next attempt of a pending job begins. Append it before anything is launched, so that no process can exist
    /// that the store does not know of.
    case attemptStarted(job: Int, number: Int, bootID: String, place: String, at: Timestamp)
    /// The running attempt is now found here: its pid, say, is known. No change of state, so no line in the history.
    case attemptPlaced(job: Int, number: Int, place: String)
    case attemptEnded(
        job: Int, number: Int, verdict: Verdict, figures: AttemptFigures, record: String, at: Timestamp)
    /// Every other change of state: held, released, suspended, resumed, cancelled or skipped before it ran, requeued.
    case changed(job: Int, to: JobState, cause: Cause?, detail: String?, at: Timestamp)
    /// Other values of some fields; the state stays. A detail makes a line in the history.
    case updated(job: Int, [JobField], detail: String?, at: Timestamp)
    /// A finished job leaves with all it left behind. Its id stays used.
    case removed(job: Int)

    /// What the job is after it; `nil` if it stays what it was, or is no more.
    package var state: JobState? {
        switch self {
        case .submitted(let job, _): job.state
        case .attemptStarted: .running
        case .attemptEnded(_, _, let verdict, _, _, _): verdict.state
        case .changed(_, let state, _, _, _): state
        case .keyed, .attemptPlaced, .updated, .removed: nil
        }
    }

    /// The job that it happened to.
    package var job: Int {
        switch self {
        case .submitted(let job, _): job.id
        case .keyed(let submission): submission.job
        case .attemptStarted(let job, _, _, _, _), .attemptPlaced(let job, _, _), .attemptEnded(let job, _, _, _, _, _),
            .changed(let job, _, _, _, _), .updated(let job, _, _, _), .removed(let job):
            job
        }
    }
}

/// A field of a job that may change after its submission, with its new value.
package enum JobField: Hashable, Sendable {
    case priority(Int)
    case begin(Timestamp?)
    case dependency(Dependency?)
    case memoryRequestBytes(Int?)
    case memoryLimitBytes(Int?)
    case wallTimeLimitUsec(Int?)
    case cpusRequest(CPUCount?)
    case attemptsMax(Int)
    /// The job file; the other jobs of its array keep theirs.
    case spec(String)
}

/// Why a change was refused: it contradicts what the store holds. The caller's mistake, never the disk's.
package enum Violation: Error, Hashable, Sendable {
    case noSuchJob(Int)
    /// The id is not above all that were ever used.
    case usedID(Int, next: Int)
    /// What happened cannot happen in this state.
    case impossible(job: Int, JobEvent, in: JobState)
    /// The attempt is not the one whose turn it is.
    case wrongAttempt(job: Int, number: Int, expected: Int)
    /// A dependency names a job instead of giving its id.
    case unresolvedDependency(job: Int, name: String)
}

extension Violation: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noSuchJob(let id): "there is no job \(id)"
        case .usedID(let id, let next): "job id \(id) may have been used before; the next one is \(next)"
        case .impossible(let job, let event, let state): "job \(job) is \(state.rawValue) and cannot \(event)"
        case .wrongAttempt(let job, let number, let expected):
            "attempt \(number) of job \(job) is not the one whose turn it is, which is \(expected)"
        case .unresolvedDependency(let job, let name): "job \(job) depends on the name '\(name)' instead of an id"
        }
    }
}

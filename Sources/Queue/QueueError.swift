// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import SystemPackage

/// The reason why the queue does not do a thing that it was asked for: one sentence with a remedy.
///
/// The queue knows no statuses of a protocol; a front end maps the cases to its own.
package enum QueueError: Error, Hashable, Sendable {
    // Submissions.

    /// A field of a submission's context has a value of another form.
    case malformed(key: String, expected: String)
    /// No name of a job; the problem goes on from "the job's name …".
    case unusableName(problem: String)
    case noCommand(job: String)
    /// `user` of a submission by an owner who may choose none.
    case foreignUser(String)
    /// `group` of a submission by an owner who may choose none.
    case foreignGroup
    /// A setting that only root's jobs may have.
    case settingOfRoot(String)
    /// More output of each stream than the daemon keeps, both in bytes.
    case outputLimitTooLarge(asked: ByteCount, most: Int, stateDirectory: String)
    /// A group that nobody has made, while only such groups may be used.
    case noSuchGroup(String, remedy: String)
    case arrayTooLarge(jobs: Int, most: Int)
    case quotaExceeded(QuotaExcess)
    /// Another submission with other contents had the key.
    case keyOfAnother
    case tooManyTerms(most: Int)
    case dependencyRangeTooLarge(JobReference, most: Int)
    /// A dependency on a job that is not there, or on a name that none of the owner's jobs has.
    case dependencyUnknown(JobReference)

    // Jobs.

    case noSuchJob(JobReference)
    /// An attempt of a number that the job has not reached; `newest` is 0 for a job that has not run.
    case noSuchAttempt(job: Int, newest: Int)
    case notYours(job: Int, owner: String)
    /// A job with more rights than the job from inside of which the request comes.
    case moreRights(job: Int)
    case damaged(job: Int, damage: String)
    case unreadableJobFile(job: Int)

    // Orders.

    case wrongState(job: Int, JobState, Order.Verb)
    /// None of the jobs that a word means is in a state that the verb is for.
    case noneApplies(JobReference, Order.Verb)
    /// A change of the job is on its way to the disk.
    case changing(job: Int)
    /// The attempt of the job has been decided on and has not begun, or has ended and is not on disk.
    case startingOrEnding(job: Int)
    case hasEnded(job: Int)
    case tooManyWords(most: Int)
    case tooManyJobs(most: Int)

    // Surroundings.

    /// The part that runs attempts did not do it; in its words, with its remedy.
    case backend(String)
    case settingsNotWritten(directory: String, Errno)
    case store(StoreError)

    package static func noSuchJob(_ id: Int) -> QueueError { .noSuchJob(.id(id)) }
    package static func notYours(_ job: StoredJob) -> QueueError { .notYours(job: job.id, owner: job.owner.name) }
    package static func damaged(_ job: StoredJob, _ damage: String) -> QueueError {
        .damaged(job: job.id, damage: damage)
    }
}

extension QueueError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformed(let key, let expected): "\"\(key)\" must \(expected)"
        case .unusableName(let problem):
            "the job's name, here that of its file, \(problem); say another with --name"
        case .noCommand(let job): "job '\(job)' has no command"
        case .foreignUser(let user):
            "only root may run a job as somebody else (user '\(user)'); leave `user` out"
        case .foreignGroup: "only root may choose the Unix group of a queued job; leave `group` out"
        case .settingOfRoot(let setting): "only root's jobs may have `\(setting)`; leave it out"
        case .outputLimitTooLarge(let asked, let most, let stateDirectory):
            """
            --output-limit \(asked) is more than the \(ByteCount(most)) that a job may keep of each stream here, a \
            twentieth of the file system of \(stateDirectory); ask for less, or have the command write a file of its own
            """
        case .noSuchGroup(let group, let remedy): "there is no group '\(group)'; \(remedy)"
        case .arrayTooLarge(let jobs, let most):
            "this array has \(jobs) jobs, and \(most) are the most; submit it in parts"
        case .quotaExceeded(let excess): excess.description
        case .keyOfAnother: "another submission had this Idempotency-Key; give each submission a key of its own"
        case .tooManyTerms(let most):
            "--after has more than \(most) terms; name fewer, an array, or a range of ids"
        case .dependencyRangeTooLarge(let jobs, let most):
            "--after names the jobs \(jobs), and a range is of \(most) at most"
        case .dependencyUnknown(.name(let name)):
            "--after names the job '\(name.prefix(128))', and you have none of that name"
        case .dependencyUnknown(let job): "--after names the job \(job), and there is none"
        case .noSuchJob(let reference): Self.absence(of: reference)
        case .noSuchAttempt(let job, 0): "job \(job) has not run yet"
        case .noSuchAttempt(let job, let newest): "job \(job) has attempts 1 to \(newest)"
        case .notYours(let job, let owner):
            "job \(job) belongs to \(owner); only they and root may do that"
        case .moreRights(let job):
            "job \(job) has more rights than the job from inside of which this comes; ask from outside of jobs"
        case .damaged(let job, let damage):
            "job \(job) cannot start: \(damage); cancel it and submit it anew"
        case .unreadableJobFile(let job): "the job file of job \(job) cannot be read back"
        case .wrongState(let job, let state, let verb):
            "job \(job) is \(state.rawValue), so there is nothing to \(verb.rawValue)"
        case .noneApplies(let reference, let verb):
            "none of '\(reference)' can be \(verb.participle) now; `jobs status \(reference)` shows them"
        case .changing(let job): "somebody is changing job \(job) at this moment; ask again"
        case .startingOrEnding(let job): "job \(job) is just starting or ending; ask again"
        case .hasEnded(let job): "job \(job) has ended"
        case .tooManyWords(let most): "a request takes up to \(most) words for jobs"
        case .tooManyJobs(let most): "these are more than \(most) jobs; name fewer at once"
        case .backend(let reason): reason
        case .settingsNotWritten(let directory, let error):
            "cannot write the settings in \(directory): \(error)"
        case .store(let error): error.description
        }
    }

    private static func absence(of reference: JobReference) -> String {
        switch reference {
        case .id(let id):
            "there is no job \(id); `jobs status --all` lists them, and old ones are forgotten after a while"
        case .range: "there are no jobs \(reference); `jobs status --all` lists those that there are"
        case .element(let array, let index):
            "there is no job with the index \(index) in an array \(array); `jobs status \(array)` lists them"
        case .name(let name):
            "no job is named '\(name)'; `jobs status --all` and `jobs history` list those that there are"
        }
    }
}

/// A quota that a submission or a retry would exceed.
package enum QuotaExcess: Hashable, Sendable, CustomStringConvertible {
    case jobs(has: Int, most: Int, more: Int)
    /// Of job files and environments, in bytes.
    case texts(has: Int, most: Int)
    case terms(has: Int, most: Int)

    package var description: String {
        let remedy = "wait until some have ended, or cancel some"
        return switch self {
        case .jobs(let has, let most, let more):
            "you have \(has) of at most \(most) jobs in the queue; \(remedy) (this would be \(more) more)"
        case .texts(let has, let most):
            """
            you have \(ByteCount(has)) of at most \(ByteCount(most)) of job files and environments in the queue; \
            export less, use an array, or \(remedy)
            """
        case .terms(let has, let most):
            """
            you have \(has) of at most \(most) terms of --after in the queue; name an array, a range of ids, or a job \
            that waits for the others
            """
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel

/// What the scheduler must know of one job.
package struct Entry: Sendable {
    /// Grows with every submission, so it is the order of submission too.
    package var id: Int
    package var priority = 0
    package var request = Resources()
    package var group = Scheduling.defaultGroup
    /// Not before this moment, in microseconds since the epoch.
    package var begin: Int?
    /// The limit, which tells when the job has ended at the latest.
    package var wallTimeUsec: Int?
    /// Alternatives of terms that must all be met; empty if it depends on nothing.
    package var dependencies: [[Term]] = []
    package var array: ArrayLimit?
    package var held = false

    package init(id: Int) { self.id = id }

    /// Jobs that must have ended in a certain way; a name has become ids before it comes here.
    ///
    /// Of several, `ok` and `any` ask for all that there are, `failed` for one of them.
    package struct Term: Hashable, Sendable, CustomStringConvertible {
        package var condition: Dependency.Condition
        package var jobs: ClosedRange<Int>

        package init(_ condition: Dependency.Condition, _ jobs: ClosedRange<Int>) {
            self.condition = condition
            self.jobs = jobs
        }

        package init(_ condition: Dependency.Condition, _ job: Int) { self.init(condition, job...job) }

        package var description: String { "\(condition.rawValue):\(ids)" }

        var ids: String { jobs.count == 1 ? "\(jobs.lowerBound)" : "\(jobs.lowerBound)-\(jobs.upperBound)" }
    }

    /// How many jobs of an array may run at once; a job of an array without such a limit has none of these.
    package struct ArrayLimit: Hashable, Sendable {
        /// Any number that all jobs of the array have in common and no other array has.
        package var id: Int
        package var parallel: Int

        package init(id: Int, parallel: Int) {
            self.id = id
            self.parallel = parallel
        }
    }
}

/// What is to be done with a job.
package enum Decision: Hashable, Sendable {
    /// It counts as running from now on.
    case start(Int)
    /// It can never start and is forgotten.
    case skip(Int, SkipReason)
}

/// The term that nothing can meet any more.
package struct SkipReason: Hashable, Sendable, CustomStringConvertible {
    package var term: Entry.Term
    /// The job that decided it.
    package var job: Int
    /// How that job ended; `nil` if there never was one of the term's.
    package var state: JobState?

    package var description: String {
        guard let state else { return "there is no job \(term.ids), but \(term) was asked for" }
        return "job \(job) ended as \(state.rawValue), but \(term) was asked for"
    }
}

/// What is known of those jobs of a range that have ended.
package struct Endings: Sendable {
    /// Whether there is one.
    package var isAny: Bool
    /// One that did not complete.
    package var uncompleted: (job: Int, state: JobState)?

    package init(isAny: Bool = false, uncompleted: (job: Int, state: JobState)? = nil) {
        self.isAny = isAny || uncompleted != nil
        self.uncompleted = uncompleted
    }
}

extension Dependency.Condition {
    /// A job that was skipped or cancelled ended, and it did not complete.
    func isMet(by state: JobState) -> Bool {
        switch self {
        case .ok: state == .completed
        case .any: true
        case .failed: state != .completed
        }
    }
}

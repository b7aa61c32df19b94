// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore

/// An attempt of one job; the number tells its late news apart from that of the next one.
package struct AttemptKey: Hashable, Sendable {
    package var job: Int
    package var number: Int

    package init(job: Int, number: Int) { (self.job, self.number) = (job, number) }
}

/// An attempt that has not ended, with everything that its end needs.
///
/// - Parameter Handle: the part that runs attempts, as it is asked for this one.
package struct LiveAttempt<Handle> {
    package var job: StoredJob
    package var document: JobDocument
    /// The job file, with the limits that earlier attempts have changed.
    package var spec: JobSpec
    package var number: Int
    /// `nil` as long as nothing is launched.
    package var handle: Handle?

    package init(
        job: StoredJob, document: JobDocument, spec: JobSpec, number: Int, handle: Handle? = nil
    ) {
        self.job = job
        self.document = document
        self.spec = spec
        self.number = number
        self.handle = handle
    }

    package var key: AttemptKey { AttemptKey(job: job.id, number: number) }
}

/// An attempt that ended, and what follows once its end is on disk.
package struct EndedAttempt<Handle> {
    package var attempt: LiveAttempt<Handle>
    /// Its end, and what has to be on disk before.
    package var changes: [Change]
    package var sequel: Sequel

    package enum Sequel {
        /// The job has ended; the scheduler has heard of it already.
        case none
        /// Another attempt, of the job as it is then.
        case again(StoredJob)
        /// A person has to look at it.
        case hold
    }

    package init(attempt: LiveAttempt<Handle>, changes: [Change], sequel: Sequel) {
        self.attempt = attempt
        self.changes = changes
        self.sequel = sequel
    }
}

extension LiveAttempt: Sendable where Handle: Sendable {}
extension EndedAttempt: Sendable where Handle: Sendable {}
extension EndedAttempt.Sequel: Sendable where Handle: Sendable {}

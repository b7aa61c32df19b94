// SPDX-License-Identifier: Apache-2.0

/// How long finished jobs and their output stay; `nil` is for ever.
package struct RetentionPolicy: Hashable, Sendable {
    /// Microseconds after a job's end.
    package var ageUsec: Int?
    /// How many finished jobs.
    package var jobs: Int?
    /// Of their output together.
    package var bytes: Int?

    package init(ageUsec: Int? = nil, jobs: Int? = nil, bytes: Int? = nil) {
        self.ageUsec = ageUsec
        self.jobs = jobs
        self.bytes = bytes
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel

/// A verb with its arguments.
package struct Order: Sendable {
    package enum Verb: String, Sendable, CaseIterable {
        case cancel, hold, release, suspend, resume, retry

        /// As in "can be cancelled".
        package var participle: String {
            switch self {
            case .cancel: "cancelled"
            case .hold: "held"
            case .release: "released"
            case .suspend: "suspended"
            case .resume: "resumed"
            case .retry: "retried"
            }
        }

        /// The states of the jobs that are meant by a word for several; the others are passed over.
        ///
        /// A retry is for failures. A cancelled job is not wanted, and a skipped one waited for jobs that a retry would no
        /// longer wait for: both have to be named themselves.
        package var states: Set<JobState> {
            switch self {
            case .cancel: Set(JobState.allCases.filter(\.isLive))
            case .hold: [.pending]
            case .release: [.held]
            case .suspend: [.running]
            case .resume: [.suspended]
            case .retry: [.failed, .outOfMemory, .timeout, .lost]
            }
        }
    }

    package var verb: Verb
    /// `cancel`: without a grace period.
    package var immediately = false
    /// `release`: the limit of the next attempt.
    package var memoryBytes: Int?

    package init(_ verb: Verb) { self.verb = verb }
}

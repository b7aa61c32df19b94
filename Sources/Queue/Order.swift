// SPDX-License-Identifier: Apache-2.0
import JobModel

/// A verb with what was said beside it.
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

        /// Of a word that selects several jobs, the states of those that are meant; the others are passed over.
        ///
        /// A retry is for what went wrong. A cancelled job is one that somebody does not want, and a skipped one waited for
        /// what a retry would no longer wait for: both have to be named themselves.
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

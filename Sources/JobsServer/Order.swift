// SPDX-License-Identifier: Apache-2.0
import JobModel

/// A verb with what was said beside it.
struct Order: Sendable {
    enum Verb: String, Sendable, CaseIterable {
        case cancel, hold, release, suspend, resume, retry

        /// As in "can be cancelled".
        var participle: String {
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
        var states: Set<JobState> {
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

    var verb: Verb
    /// `cancel`: without a grace period.
    var immediately = false
    /// `release`: the limit of the next attempt.
    var memoryBytes: Int?

    /// - Parameter members: of the request's body.
    init(_ verb: Verb, _ members: [JSON.Member]) throws(APIFailure) {
        self.verb = verb
        for member in members {
            switch (verb, member.key) {
            case (.cancel, "now"):
                guard let now = member.value.boolValue else { throw APIFailure(400, "now must be true or false") }
                immediately = now
            case (.release, "memory_bytes"):
                guard let bytes = member.value.intValue,
                    (Limits.leastMemory.bytes...ByteCount.largest.bytes).contains(bytes)
                else {
                    throw APIFailure(
                        400,
                        "memory_bytes must be a whole number from \(Limits.leastMemory.bytes), in which a process can start"
                    )
                }
                memoryBytes = bytes
            default: throw APIFailure(400, "'\(verb.rawValue)' takes no '\(member.key)'")
            }
        }
    }
}

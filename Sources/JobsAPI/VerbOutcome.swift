// SPDX-License-Identifier: Apache-2.0
import JobModel

/// The answer to `POST /v1/jobs/{verb}`: what came of a verb on all the jobs that words select.
public struct VerbOutcome: Sendable, Hashable {
    /// Why the verb was not done to a job, or to any of a word.
    public struct Refusal: Sendable, Hashable {
        /// The status that the request would have had for this alone.
        public var status: Int
        public var message: String

        public init(status: Int, message: String) {
            self.status = status
            self.message = message
        }
    }

    /// The ids of jobs to which it was done, as ranges: on disk.
    public internal(set) var changed = ""
    public internal(set) var changedCount = 0
    /// Those of jobs that run and were asked to end.
    public internal(set) var ending = ""
    public internal(set) var endingCount = 0
    /// The first ones, of `refusedCount`.
    public internal(set) var refused: [Refusal] = []
    public internal(set) var refusedCount = 0

    /// More refusals than this are counted, not listed.
    private static let mostListed = 20

    public init() {}

    /// - Parameters:
    ///   - changed: jobs to which it was done.
    ///   - ending: jobs that run and were asked to end.
    public mutating func note(changed: [Int], ending: [Int]) {
        (self.changed, changedCount) = (IDSet(changed).description, changed.count)
        (self.ending, endingCount) = (IDSet(ending).description, ending.count)
    }

    public mutating func refuse(_ refusal: Refusal) {
        refusedCount += 1
        if refused.count < Self.mostListed { refused.append(refusal) }
    }

    public var json: JSON {
        .object([
            "changed": .string(changed), "changed_count": .int(changedCount),
            "ending": .string(ending), "ending_count": .int(endingCount),
            "refused": .array(refused.map { .object(["status": .int($0.status), "error": .string($0.message)]) }),
            "refused_count": .int(refusedCount),
        ])
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI
import Queue

extension Order {
    /// - Parameter members: of the request's body.
    init(_ verb: Verb, _ members: [JSON.Member]) throws(APIFailure) {
        self.init(verb)
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

extension VerbOutcome {
    init(_ outcome: OrderOutcome) {
        self.init()
        note(changed: outcome.changed, ending: outcome.ending)
        for error in outcome.refused {
            let failure = APIFailure(error)
            refuse(Refusal(status: failure.status, message: failure.message))
        }
    }
}

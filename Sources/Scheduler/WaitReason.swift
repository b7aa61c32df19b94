// SPDX-License-Identifier: Apache-2.0
import JobModel

/// Why a job is pending, with the figures.
package enum WaitReason: Hashable, Sendable {
    case held
    case begins(at: Int)
    /// Each alternative with its first open terms.
    case dependencies([OpenTerms])
    /// It comes out as skipped next.
    case impossible(SkipReason)
    case draining
    /// It cannot start before the capacity grows.
    case tooLarge(request: Resources, capacity: Resources)
    case group(String, running: Int, parallel: Int)
    case array(Int, running: Int, parallel: Int)
    /// It is the first that the machine has no room for; `last` is the job whose end makes the room at the latest.
    case resources(request: Resources, free: Resources, last: LastToEnd?)
    /// Another job is before it, and there is no room for that one.
    case behind(job: Int, request: Resources, free: Resources)
    /// There is room for it now, but a job before it would have to wait longer.
    case wouldDelay(job: Int, startsBy: Int?)
    /// Nothing keeps it: the next decision looks at it.
    case due

    package struct OpenTerms: Hashable, Sendable {
        package var terms: [Entry.Term]
        /// How many others there are.
        package var more: Int
    }

    package struct LastToEnd: Hashable, Sendable {
        package var job: Int
        package var time: Int
    }
}

extension WaitReason: CustomStringConvertible {
    package var description: String { description { Timestamp(microsecondsSinceEpoch: $0).description } }

    /// In words, with moments as the reader likes them.
    package func description(formatTime: (Int) -> String) -> String {
        switch self {
        case .held: return "held"
        case .begins(let time): return "begins at \(formatTime(time))"
        case .dependencies(let alternatives):
            return "waits for " + alternatives.map(\.description).joined(separator: ", or for ")
        case .impossible(let reason): return reason.description
        case .draining: return "the queue is draining, nothing new starts"
        case .tooLarge(let request, let capacity):
            return "needs " + request.shortage(in: capacity, "is all the machine has for jobs")
        case .group(let name, let running, let parallel): return "group '\(name)' runs \(running) of \(parallel)"
        case .array(let id, let running, let parallel): return "array \(id) runs \(running) of \(parallel)"
        case .resources(let request, let free, let last):
            let needs = "needs " + request.shortage(in: free, "free")
            guard let last else { return needs }
            return needs + "; job \(last.job) ends by \(formatTime(last.time)) at the latest"
        case .behind(let job, let request, let free):
            return "waits behind job \(job), which needs " + request.shortage(in: free, "free")
        case .wouldDelay(let job, let time):
            guard let time else { return "would delay job \(job), which is before it" }
            return "would delay job \(job), which starts by \(formatTime(time)) at the latest"
        case .due: return "is about to start"
        }
    }
}

extension WaitReason.OpenTerms: CustomStringConvertible {
    package var description: String {
        let listed = terms.map { "\($0.ids) (\($0.condition.rawValue))" }.joined(separator: ", ")
        let noun = terms.count + more == 1 && terms[0].jobs.count == 1 ? "job" : "jobs"
        return "\(noun) \(listed)" + (more > 0 ? " and \(more) more" : "")
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel

/// Which jobs wait for which other jobs to end.
///
/// The end of a job costs a step for every term that names it: alternatives count their open terms and are not searched.
struct Prerequisites: Sendable {
    enum Outcome: Sendable {
        case met
        case waiting
        case impossible(SkipReason)
    }

    struct Alternative: Sendable {
        var terms: [Entry.Term]
        /// How many terms are not met yet; `nil` if one cannot be met any more.
        var open: Int?
    }

    /// A term, seen from the job that it names.
    private struct Dependent: Sendable {
        var job: Int
        var serial: UInt32
        var alternative: Int32
        var condition: Dependency.Condition
    }

    private struct Waiting: Sendable {
        /// Tells a job that was cancelled and submitted again from what it was before.
        var serial: UInt32
        var alternatives: [Alternative]
    }

    private var waiting: [Int: Waiting] = [:]
    private var lastSerial: UInt32 = 0
    /// By the job that is waited for. Those that were met by another alternative or cancelled stay until it ends.
    private var dependents: [Int: [Dependent]] = [:]

    func alternatives(of job: Int) -> [Alternative]? { waiting[job]?.alternatives }

    /// - Parameter alternatives: terms with the state of the job each of them names; `nil` if there is no such job.
    mutating func add(_ job: Int, _ alternatives: [[(term: Entry.Term, state: JobState?)]]) -> Outcome {
        guard !alternatives.isEmpty else { return .met }
        var added: [Alternative] = []
        var reason: SkipReason?
        for terms in alternatives {
            // A job that waits for itself waits for what cannot happen.
            let unmeetable = terms.first { term, state in
                state.map { $0.isFinal ? !term.isMet(by: $0) : term.job == job } ?? true
            }
            reason = unmeetable.map(SkipReason.init) ?? reason
            let open = unmeetable == nil ? terms.count { $0.state?.isFinal == false } : nil
            if open == 0 { return .met }
            added.append(Alternative(terms: terms.map(\.term), open: open))
        }
        if let reason, added.allSatisfy({ $0.open == nil }) { return .impossible(reason) }
        lastSerial &+= 1
        for (index, terms) in alternatives.enumerated() where added[index].open != nil {
            for (term, state) in terms where state?.isFinal == false {
                dependents[term.job, default: []].append(
                    Dependent(job: job, serial: lastSerial, alternative: Int32(index), condition: term.condition))
            }
        }
        waiting[job] = Waiting(serial: lastSerial, alternatives: added)
        return .waiting
    }

    /// Whether the job of one of `alternatives(of:)`'s terms has not ended yet.
    func isOpen(_ term: Entry.Term) -> Bool { dependents[term.job] != nil }

    mutating func forget(_ job: Int) { waiting[job] = nil }

    /// Tells those that waited for `job` how it ended.
    ///
    /// - Returns: the jobs whose waiting is over, in the order in which they began to wait.
    mutating func ended(_ job: Int, as state: JobState) -> [(job: Int, outcome: Outcome)] {
        guard let terms = dependents.removeValue(forKey: job) else { return [] }
        var resolved: [(job: Int, outcome: Outcome)] = []
        for dependent in terms {
            let index = Int(dependent.alternative)
            guard waiting[dependent.job]?.serial == dependent.serial,
                let open = waiting[dependent.job]?.alternatives[index].open
            else { continue }
            let term = Entry.Term(dependent.condition, job)
            if term.isMet(by: state) {
                waiting[dependent.job]?.alternatives[index].open = open - 1
                guard open == 1 else { continue }
                resolved.append((dependent.job, .met))
            } else {
                waiting[dependent.job]?.alternatives[index].open = nil
                guard waiting[dependent.job]?.alternatives.allSatisfy({ $0.open == nil }) == true else { continue }
                resolved.append((dependent.job, .impossible(SkipReason(term: term, state: state))))
            }
            waiting[dependent.job] = nil
        }
        return resolved
    }
}

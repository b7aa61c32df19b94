// SPDX-License-Identifier: Apache-2.0
import JobModel

/// Which jobs wait for which other jobs to end.
///
/// A term names one job, or a range of ids and with it those jobs of the range that there are. What it costs does not
/// depend on the range: each range is kept once, with how many of its jobs have not ended and with the terms that name it.
/// The end of a job costs a step for every term that names it and for every range there is.
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

    /// A term, seen from the jobs that it names.
    private struct Dependent: Sendable {
        var job: Int
        var serial: UInt32
        var alternative: Int32
        var condition: Dependency.Condition
    }

    private struct Dependents: Sendable {
        var terms: [Dependent] = []
        /// How many of them belong to jobs that do not wait any more.
        var stale = 0
    }

    private struct Span: Sendable {
        let jobs: ClosedRange<Int>
        /// How many of the jobs are queued or run.
        var live: Int
        /// One has ended and did not complete.
        var hasUncompleted: Bool
        var dependents: Dependents
    }

    private struct Waiting: Sendable {
        /// Tells a job that was cancelled and submitted again from what it was before.
        var serial: UInt32
        var alternatives: [Alternative]
    }

    private var waiting: [Int: Waiting] = [:]
    private var lastSerial: UInt32 = 0
    /// By the one job that is waited for.
    private var dependents: [Int: Dependents] = [:]
    /// Ranges of more than one job, and where in the list each is.
    private var spans: [Span] = []
    private var places: [ClosedRange<Int>: Int] = [:]
    /// The highest id in any of them: most jobs that come in are above it.
    private var lastInSpans = 0

    var isEmpty: Bool { waiting.isEmpty && dependents.isEmpty && spans.isEmpty }

    func alternatives(of job: Int) -> [Alternative]? { waiting[job]?.alternatives }

    /// - Parameters:
    ///   - live: how many jobs of a range are queued or run.
    ///   - endings: what is known of those that have ended.
    mutating func add(
        _ job: Int, _ alternatives: [[Entry.Term]], live: (ClosedRange<Int>) -> Int,
        endings: (ClosedRange<Int>) -> Endings
    ) -> Outcome {
        guard !alternatives.isEmpty else { return .met }
        var added: [Alternative] = []
        var opened: [(term: Entry.Term, alternative: Int, state: Opening)] = []
        var reason: SkipReason?
        for (index, terms) in alternatives.enumerated() {
            var open: Int? = 0
            for term in terms {
                let count = places[term.jobs].map { spans[$0].live } ?? live(term.jobs)
                let ended = count == term.jobs.count ? Endings() : endings(term.jobs)
                switch Self.judge(term, live: count, ended, for: job) {
                case .met: break
                case .waiting:
                    open = open.map { $0 + 1 }
                    opened.append((term, index, Opening(live: count, hasUncompleted: ended.uncompleted != nil)))
                case .impossible(let why):
                    reason = why
                    open = nil
                }
                if open == nil { break }
            }
            if open == 0 { return .met }
            added.append(Alternative(terms: terms, open: open))
        }
        if let reason, added.allSatisfy({ $0.open == nil }) { return .impossible(reason) }
        lastSerial &+= 1
        for (term, index, state) in opened where added[index].open != nil {
            let dependent = Dependent(
                job: job, serial: lastSerial, alternative: Int32(index), condition: term.condition)
            watch(term.jobs, dependent, state)
        }
        waiting[job] = Waiting(serial: lastSerial, alternatives: added)
        return .waiting
    }

    /// How a range stands when the first term names it.
    private struct Opening {
        var live: Int
        var hasUncompleted: Bool
    }

    private static func judge(_ term: Entry.Term, live: Int, _ ended: Endings, for job: Int) -> Outcome {
        // A job that waits for itself waits for what cannot happen.
        if term.jobs.contains(job) { return .impossible(SkipReason(term: term, job: job, state: nil)) }
        if live == 0, !ended.isAny {
            return .impossible(SkipReason(term: term, job: term.jobs.lowerBound, state: nil))
        }
        if let (job, state) = ended.uncompleted {
            if term.condition == .failed { return .met }
            if term.condition == .ok { return .impossible(SkipReason(term: term, job: job, state: state)) }
        }
        guard live == 0 else { return .waiting }
        return term.condition == .failed
            ? .impossible(SkipReason(term: term, job: term.jobs.upperBound, state: .completed)) : .met
    }

    private mutating func watch(_ jobs: ClosedRange<Int>, _ dependent: Dependent, _ state: Opening) {
        guard jobs.count > 1 else {
            dependents[jobs.lowerBound, default: Dependents()].terms.append(dependent)
            return
        }
        if let index = places[jobs] { return spans[index].dependents.terms.append(dependent) }
        places[jobs] = spans.count
        spans.append(
            Span(
                jobs: jobs, live: state.live, hasUncompleted: state.hasUncompleted,
                dependents: Dependents(terms: [dependent])))
        lastInSpans = max(lastInSpans, jobs.upperBound)
    }

    /// Whether one of the terms of ``alternatives(of:)`` is not met yet.
    func isOpen(_ term: Entry.Term) -> Bool {
        guard term.jobs.count > 1 else { return dependents[term.jobs.lowerBound] != nil }
        return places[term.jobs].map { term.condition != .failed || !spans[$0].hasUncompleted } ?? false
    }

    /// A job has come in, maybe once more.
    mutating func entered(_ job: Int) {
        guard job <= lastInSpans else { return }
        for index in spans.indices where spans[index].jobs.contains(job) { spans[index].live += 1 }
    }

    /// `job` does not wait any more.
    mutating func forget(_ job: Int) {
        guard let alternatives = waiting.removeValue(forKey: job)?.alternatives else { return }
        for alternative in alternatives where alternative.open != nil {
            for term in alternative.terms { noteStale(term.jobs) }
        }
    }

    /// What is stale stays until it is the larger part: to look for each would take long where one job has many dependents.
    private mutating func noteStale(_ jobs: ClosedRange<Int>) {
        let isStale = { [waiting] (term: Dependent) in waiting[term.job]?.serial != term.serial }
        func count(_ list: inout Dependents) {
            list.stale += 1
            guard list.stale * 2 > list.terms.count else { return }
            list.terms.removeAll(where: isStale)
            list.stale = 0
        }
        if jobs.count == 1 {
            guard var list = dependents.removeValue(forKey: jobs.lowerBound) else { return }
            count(&list)
            if !list.terms.isEmpty { dependents[jobs.lowerBound] = list }
        } else if let index = places[jobs] {
            count(&spans[index].dependents)
            if spans[index].dependents.terms.isEmpty { remove(index) }
        }
    }

    /// The last one takes its place.
    private mutating func remove(_ index: Int) {
        spans.swapAt(index, spans.count - 1)
        places[spans.removeLast().jobs] = nil
        if index < spans.count { places[spans[index].jobs] = index }
        if spans.isEmpty { lastInSpans = 0 }
    }

    /// Tells those that waited for `job` how it ended.
    ///
    /// - Returns: the jobs whose waiting is over, in the order in which they began to wait.
    mutating func ended(_ job: Int, as state: JobState) -> [(job: Int, outcome: Outcome)] {
        var judged: [(dependent: Dependent, isMet: Bool, jobs: ClosedRange<Int>)] = []
        for term in dependents.removeValue(forKey: job)?.terms ?? [] {
            judged.append((term, term.condition.isMet(by: state), job...job))
        }
        guard job <= lastInSpans else { return settle(judged, job, state) }
        for index in spans.indices.reversed() where spans[index].jobs.contains(job) {
            spans[index].live -= 1
            if state != .completed { spans[index].hasUncompleted = true }
            let isOver = spans[index].live == 0
            let jobs = spans[index].jobs
            var left: [Dependent] = []
            for term in spans[index].dependents.terms {
                switch term.condition {
                case .ok, .failed:
                    let isDecided = state != .completed || isOver
                    guard isDecided else { left.append(term); continue }
                    judged.append((term, term.condition.isMet(by: state), jobs))
                case .any:
                    guard isOver else { left.append(term); continue }
                    judged.append((term, true, jobs))
                }
            }
            if left.count < spans[index].dependents.terms.count {
                spans[index].dependents = Dependents(
                    terms: left, stale: min(spans[index].dependents.stale, left.count))
            }
            if left.isEmpty { remove(index) }
        }
        judged.sort { $0.dependent.serial < $1.dependent.serial }
        return settle(judged, job, state)
    }

    private mutating func settle(
        _ judged: [(dependent: Dependent, isMet: Bool, jobs: ClosedRange<Int>)], _ job: Int, _ state: JobState
    ) -> [(job: Int, outcome: Outcome)] {
        var resolved: [(job: Int, outcome: Outcome)] = []
        for (dependent, isMet, jobs) in judged {
            let index = Int(dependent.alternative)
            guard waiting[dependent.job]?.serial == dependent.serial,
                let open = waiting[dependent.job]?.alternatives[index].open
            else { continue }
            if isMet {
                waiting[dependent.job]?.alternatives[index].open = open - 1
                guard open == 1 else { continue }
                resolved.append((dependent.job, .met))
            } else {
                waiting[dependent.job]?.alternatives[index].open = nil
                guard waiting[dependent.job]?.alternatives.allSatisfy({ $0.open == nil }) == true else { continue }
                let term = Entry.Term(dependent.condition, jobs)
                resolved.append((dependent.job, .impossible(SkipReason(term: term, job: job, state: state))))
            }
            forget(dependent.job)
        }
        return resolved
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel

@testable import Scheduler

/// The truth about a simulated machine: plain lists, and every rule as a search through them.
struct Model {
    struct Job {
        var entry: Entry
        var startedAt: Int?
        /// When it will really end; never after its limit.
        var finishesAt = 0

        var rank: Rank { Rank(priority: entry.priority, id: entry.id) }
        var latestEnd: Int? { startedAt.flatMap { Reservation.end(of: entry.wallTimeUsec, from: $0) } }
        var kind: Kind {
            Kind(
                request: entry.request, wallTimeUsec: entry.wallTimeUsec, group: entry.group, array: entry.array?.id)
        }
    }

    enum Readiness: Equatable { case ready, notYet, never }

    var now = 0
    var capacity: Resources
    var groups: [String: Int]
    var isDraining = false
    var jobs: [Int: Job] = [:]
    var outcomes: [Int: JobState] = [:]

    var running: [Job] { jobs.values.filter { $0.startedAt != nil } }
    var pending: [Job] { jobs.values.filter { $0.startedAt == nil } }
    var free: Resources { running.reduce(capacity) { $0 - $1.entry.request } }

    // MARK: Rules

    func dependencies(of entry: Entry) -> Readiness {
        if entry.dependencies.isEmpty { return .ready }
        let alternatives = entry.dependencies.map { terms in
            let met = terms.map(isMet)
            return met.contains(false) ? Readiness.never : met.contains(nil) ? .notYet : .ready
        }
        return alternatives.contains(.ready) ? .ready : alternatives.contains(.notYet) ? .notYet : .never
    }

    /// `nil` as long as that is open.
    private func isMet(_ term: Entry.Term) -> Bool? {
        let isAnyLive = term.jobs.contains { jobs[$0] != nil }
        let ended = term.jobs.compactMap { jobs[$0] == nil ? outcomes[$0] : nil }
        if ended.isEmpty, !isAnyLive { return false }
        if term.condition != .any, ended.contains(where: { $0 != .completed }) { return term.condition == .failed }
        return isAnyLive ? nil : term.condition != .failed
    }

    func isReady(_ job: Job) -> Bool {
        job.startedAt == nil && !job.entry.held && (job.entry.begin ?? now) <= now
            && dependencies(of: job.entry) == .ready
    }

    /// Places left in the job's group and array, whichever has fewer.
    func placesLeft(for job: Job) -> Int {
        let group = groups[job.entry.group].map { parallel in
            parallel - running.count { $0.entry.group == job.entry.group }
        }
        let array = job.entry.array.map { array in
            array.parallel - running.count { $0.entry.array?.id == array.id }
        }
        return min(group ?? .max, array ?? .max)
    }

    /// Ready, and only room could keep it from starting; in order.
    var candidates: [Job] {
        pending.filter { isReady($0) && $0.entry.request.fits(in: capacity) && placesLeft(for: $0) > 0 }
            .sorted { $0.rank < $1.rank }
    }

    /// The first of all moments of ends at which the head fits, and what is left beside it.
    func shadow(for head: Job) -> (time: Int?, spare: Resources) {
        for time in running.compactMap(\.latestEnd).sorted() {
            let left = running.filter { ($0.latestEnd ?? .max) > time }
            let expected = left.reduce(capacity) { $0 - $1.entry.request }
            if head.entry.request.fits(in: expected) { return (time, expected - head.entry.request) }
        }
        let later = running.filter { head.rank < $0.rank }
        return (nil, later.reduce(capacity - head.entry.request) { $0 - $1.entry.request })
    }

    // MARK: The reference

    /// What the rules say, one job after the other.
    func expectedDecisions(lookAhead: Int) -> (skips: Set<Int>, starts: [Int]) {
        var model = self
        var skips: Set<Int> = []
        while let job = model.pending.first(where: { model.dependencies(of: $0.entry) == .never }) {
            skips.insert(job.entry.id)
            model.end(job.entry.id, as: .skipped)
        }
        return (skips, isDraining ? [] : model.expectedStarts(lookAhead: lookAhead))
    }

    private func expectedStarts(lookAhead: Int) -> [Int] {
        var model = self
        var starts: [Int] = []
        var head: (job: Job, shadow: Int?, spare: Resources)?
        var refused: Set<Kind> = []
        for job in candidates where !refused.contains(job.kind) && model.placesLeft(for: job) > 0 {
            if let blocked = head {
                guard refused.count <= lookAhead else { break }
                let request = job.entry.request
                let sharesLimit =
                    blocked.job.entry.group == job.entry.group && groups[job.entry.group] != nil
                    || blocked.job.entry.array != nil && blocked.job.entry.array?.id == job.entry.array?.id
                let end = Reservation.end(of: job.entry.wallTimeUsec, from: now)
                let endsInTime = blocked.shadow.map { (end ?? .max) <= $0 } ?? false
                if request.fits(in: model.free), !sharesLimit || model.leavesPlace(job, for: blocked.job),
                    endsInTime || request.fits(in: blocked.spare)
                {
                    if !endsInTime { head?.spare -= request }
                } else {
                    refused.insert(job.kind)
                    continue
                }
            } else if !job.entry.request.fits(in: model.free) {
                let shadow = model.shadow(for: job)
                head = (job, shadow.time, shadow.spare)
                refused.insert(job.kind)
                continue
            }
            model.jobs[job.entry.id]?.startedAt = now
            starts.append(job.entry.id)
        }
        return starts
    }

    private func leavesPlace(_ job: Job, for head: Job) -> Bool {
        var model = self
        model.jobs[job.entry.id]?.startedAt = now
        return model.placesLeft(for: head) > 0
    }

    mutating func end(_ id: Int, as state: JobState) {
        jobs[id] = nil
        outcomes[id] = state
    }
}

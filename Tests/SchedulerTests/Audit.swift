// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

@testable import Scheduler

/// Decisions, and what must be true of each.
extension Simulation {
    mutating func decide() throws {
        let expected = options.audited ? model.expectedDecisions(lookAhead: options.lookAhead) : nil
        let decisions = scheduler.decide(now: model.now)
        var (skipped, started): (Set<Int>, [Int]) = ([], [])
        for decision in decisions {
            switch decision {
            case .skip(let id, _):
                try #require(skipped.insert(id).inserted && started.isEmpty, "\(place): skip of \(id)")
                try #require(
                    model.jobs[id].map { model.dependencies(of: $0.entry) } == .never, "\(place): skip of \(id)")
                model.end(id, as: .skipped)
            case .start(let id):
                started.append(id)
                try audit(start: id)
            }
        }
        starts += started.count
        skips += skipped.count
        if let expected {
            try #require(skipped == expected.skips, "\(place)")
            try #require(started == expected.starts, "\(place)")
            try auditReasons()
            try auditHead()
        }
        let begins = model.pending.compactMap(\.entry.begin).filter { $0 > model.now }
        try #require(scheduler.nextBegin == begins.min(), "\(place)")
        try #require(scheduler.free == model.free, "\(place)")
    }

    private mutating func audit(start id: Int) throws {
        let job = try #require(model.jobs[id], "\(place): start of \(id)")
        try #require(!model.isDraining && model.isReady(job), "\(place): start of \(id)")
        try #require(model.placesLeft(for: job) > 0, "\(place): start of \(id)")
        try #require(job.entry.request.fits(in: model.free), "\(place): start of \(id) over-commits")
        if options.audited, let head = model.candidates.first, head.rank != job.rank { try auditHead() }
        let longest = min(job.entry.wallTimeUsec ?? 60, 120)
        model.jobs[id]?.startedAt = model.now
        model.jobs[id]?.finishesAt = model.now + Int.random(in: 0...longest, using: &random)
        watch.started(job.rank)
    }

    private mutating func auditHead() throws {
        let violation = watch.violation(in: model)
        try #require(violation == nil, "\(place)")
    }

    private func auditReasons() throws {
        for id in max(0, nextID - 80)...nextID {
            let reason = scheduler.reason(for: id, now: model.now)
            let isPending = model.jobs[id].map { $0.startedAt == nil } ?? false
            try #require((reason != nil) == isPending, "\(place): reason of \(id)")
            try #require(reason != .due, "\(place): job \(id) should have started")
        }
        let head = model.isDraining ? nil : model.candidates.first
        guard let head else { return }
        guard case .resources? = scheduler.reason(for: head.entry.id, now: model.now) else {
            throw Failure("\(place): \(head.entry.id) is the head")
        }
    }

    /// With nothing against it any more, every job ends.
    mutating func drain() throws {
        model.isDraining = false
        scheduler.isDraining = false
        model.capacity = Resources(memoryBytes: 20, milliCPUs: 10)
        scheduler.capacity = model.capacity
        watch.restart()
        for (group, parallel) in model.groups where parallel == 0 {
            model.groups[group] = 1
            scheduler.setParallel(1, ofGroup: group)
        }
        for job in model.pending where job.entry.held { setHeld(false, job.entry.id) }
        while !model.jobs.isEmpty {
            try decide()
            let next = (model.running.map(\.finishesAt) + (scheduler.nextBegin.map { [$0] } ?? [])).min()
            guard let next else {
                if model.jobs.isEmpty { break }
                throw Failure("\(place): \(model.jobs.keys.sorted()) never start")
            }
            model.now = max(model.now, next)
            for job in model.running.sorted(by: { $0.rank < $1.rank }) where job.finishesAt <= model.now {
                finish(job.entry.id)
            }
        }
        try #require(scheduler.free == scheduler.capacity, "\(place)")
    }
}

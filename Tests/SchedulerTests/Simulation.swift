// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

@testable import Scheduler

/// A machine with users who do everything that can be done to a queue, and an auditor who believes nothing.
struct Simulation {
    struct Options {
        var steps = 500
        var liveJobs = 40
        /// Compares every decision with the reference and looks at every job's reason, which costs a search each.
        var audited = true
        var lookAhead = 100
    }

    let seed: UInt64
    let options: Options
    var random: SplitMix64
    var model: Model
    var scheduler: Scheduler
    var watch = HeadWatch()
    var nextID = 1
    private(set) var starts = 0
    private(set) var skips = 0

    private static let capacity = Resources(memoryBytes: 16, milliCPUs: 8)
    private static let final: [JobState] = [
        .completed, .completed, .completed, .completed, .failed, .outOfMemory, .timeout, .lost,
    ]

    init(seed: UInt64, _ options: Options) {
        self.seed = seed
        self.options = options
        random = SplitMix64(seed: seed)
        model = Model(capacity: Self.capacity, groups: ["gpu": 2, "net": 1])
        scheduler = Scheduler(capacity: model.capacity, groups: model.groups, lookAhead: options.lookAhead)
    }

    mutating func run() throws {
        for _ in 0..<options.steps {
            try act()
            try decide()
        }
        try drain()
    }

    // MARK: What happens

    private mutating func act() throws {
        switch Int.random(in: 0..<100, using: &random) {
        case ..<45: if model.jobs.count < options.liveJobs { submit() }
        case ..<75: passTime()
        case ..<80:
            if let id = anyJob() {
                model.end(id, as: .cancelled)
                scheduler.ended(id, as: .cancelled)
            }
        case ..<86: if let id = anyJob(), model.jobs[id]?.startedAt == nil { setHeld(random.chance(40), id) }
        case ..<90:
            if let id = anyJob() {
                let priority = Int.random(in: -2...2, using: &random)
                model.jobs[id]?.entry.priority = priority
                scheduler.setPriority(priority, of: id)
                watch.restart()
            }
        case ..<92:
            model.isDraining.toggle()
            scheduler.isDraining = model.isDraining
        case ..<94:
            model.capacity = Resources(
                memoryBytes: Int.random(in: 4...20, using: &random), milliCPUs: Int.random(in: 2...10, using: &random))
            scheduler.capacity = model.capacity
            watch.restart()
        case ..<96:
            let group = random.pick(["gpu", "net", "default"])
            let parallel = random.chance(25) ? nil : Int.random(in: 0...3, using: &random)
            model.groups[group] = parallel
            scheduler.setParallel(parallel, ofGroup: group)
        case ..<97: restart()
        default: break
        }
    }

    private mutating func submit() {
        var entry = Entry(id: nextID)
        nextID += 1
        entry.priority = random.chance(80) ? 0 : Int.random(in: -2...2, using: &random)
        entry.request.memoryBytes = random.pick([0, 1, 1, 2, 3, 4, 8, 12, 16, 20])
        entry.request.milliCPUs = random.pick([0, 1, 1, 2, 4, 7])
        entry.group = random.pick(["default", "default", "other", "gpu", "net"])
        entry.wallTimeUsec = random.pick([nil, 0, 5, 10, 30, 100, .max])
        if random.chance(15) { entry.begin = model.now + Int.random(in: -5...30, using: &random) }
        entry.held = random.chance(5)
        if random.chance(30) {
            let id = nextID / 20
            entry.array = Entry.ArrayLimit(id: id, parallel: id % 3 + 1)
        }
        if random.chance(25) {
            entry.dependencies = (0..<Int.random(in: 1...2, using: &random)).map { _ in
                (0..<Int.random(in: 1...3, using: &random)).map { _ in
                    Entry.Term(
                        random.pick(Dependency.Condition.allCases),
                        max(0, entry.id - Int.random(in: 1...30, using: &random)))
                }
            }
        }
        scheduler.submit(entry) { [model] in model.state(of: $0) }
        model.jobs[entry.id] = Model.Job(entry: entry)
    }

    private mutating func anyJob() -> Int? { model.jobs.keys.sorted().randomElement(using: &random) }

    private mutating func setHeld(_ held: Bool, _ id: Int) {
        model.jobs[id]?.entry.held = held
        if held { scheduler.hold(id) } else { scheduler.release(id) }
    }

    /// Up to the next end, or a little.
    private mutating func passTime() {
        let next = model.running.map(\.finishesAt).min() ?? model.now + 10
        model.now = random.chance(60) ? max(next, model.now) : model.now + Int.random(in: 0...3, using: &random)
        for job in model.running.sorted(by: { $0.rank < $1.rank }) where job.finishesAt <= model.now {
            finish(job.entry.id)
        }
    }

    private mutating func finish(_ id: Int) {
        guard random.chance(15) else {
            let state = random.pick(Self.final)
            model.end(id, as: state)
            return scheduler.ended(id, as: state)
        }
        let begin = random.chance(50) ? model.now + Int.random(in: 0...20, using: &random) : nil
        let memory = random.chance(30) ? Int.random(in: 0...18, using: &random) : nil
        let request = memory.map { Resources(memoryBytes: $0, milliCPUs: 1) }
        model.jobs[id]?.startedAt = nil
        model.jobs[id]?.entry.begin = begin
        if let request { model.jobs[id]?.entry.request = request }
        scheduler.requeue(id, notBefore: begin, request: request)
    }

    /// Only what a store would have kept comes in again, in any order. The watch on the head goes on.
    private mutating func restart() {
        scheduler = Scheduler(capacity: model.capacity, groups: model.groups, lookAhead: options.lookAhead)
        scheduler.isDraining = model.isDraining
        for job in model.jobs.values.sorted(by: { $0.rank < $1.rank }).shuffled(using: &random) {
            if let start = job.startedAt {
                scheduler.adopt(job.entry, startedAt: start)
            } else {
                scheduler.submit(job.entry) { [model] in model.state(of: $0) }
            }
        }
    }

    // MARK: What follows

    private mutating func decide() throws {
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
            let violation = watch.violation(in: model)
            try #require(violation == nil, "\(place)")
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
        let longest = min(job.entry.wallTimeUsec ?? 60, 120)
        model.jobs[id]?.startedAt = model.now
        model.jobs[id]?.finishesAt = model.now + Int.random(in: 0...longest, using: &random)
        watch.started(job.rank)
    }

    private func auditReasons() throws {
        for id in max(0, nextID - 200)...nextID {
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
    private mutating func drain() throws {
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

    private var place: String { "seed \(seed), \(options), at \(model.now)" }

    struct Failure: Error, CustomStringConvertible {
        var description: String

        init(_ description: String) { self.description = description }
    }
}

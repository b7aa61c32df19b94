// SPDX-License-Identifier: Apache-2.0
import JobModel
import TestSupport
import Testing

@testable import Scheduler

/// A machine with users who do everything that can be done to a queue; `Audit.swift` believes nothing of what it decides.
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
    var starts = 0
    var skips = 0

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
        case ..<45:
            // Several at once, so that one decision starts several.
            let count = random.chance(70) ? 1 : Int.random(in: 2...8, using: &random)
            for _ in 0..<count where model.jobs.count < options.liveJobs { submit() }
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
            model.isDraining = random.chance(25)
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
                    let first = max(0, entry.id - Int.random(in: 1...30, using: &random))
                    let last =
                        random.chance(70) ? first : Int.random(in: first..<max(first + 1, entry.id), using: &random)
                    return Entry.Term(random.pick(Dependency.Condition.allCases), first...last)
                }
            }
        }
        scheduler.submit(entry) { [model] in model.outcomes[$0] }
        model.jobs[entry.id] = Model.Job(entry: entry)
    }

    private mutating func anyJob() -> Int? { model.jobs.keys.sorted().randomElement(using: &random) }

    mutating func setHeld(_ held: Bool, _ id: Int) {
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

    mutating func finish(_ id: Int) {
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

    /// Only what a store would have kept comes in again: those that run, then the others as they were submitted. The watch on
    /// the head goes on.
    private mutating func restart() {
        scheduler = Scheduler(capacity: model.capacity, groups: model.groups, lookAhead: options.lookAhead)
        scheduler.isDraining = model.isDraining
        for job in model.running.shuffled(using: &random) {
            if let start = job.startedAt { scheduler.adopt(job.entry, startedAt: start) }
        }
        for job in model.pending.sorted(by: { $0.entry.id < $1.entry.id }) {
            scheduler.submit(job.entry) { [model] in model.outcomes[$0] }
        }
    }

    var place: String { "seed \(seed), \(options), at \(model.now)" }

    struct Failure: Error, CustomStringConvertible {
        var description: String

        init(_ description: String) { self.description = description }
    }
}

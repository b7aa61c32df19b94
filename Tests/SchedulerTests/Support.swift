// SPDX-License-Identifier: Apache-2.0
import JobModel
import TestSupport

@testable import Scheduler

let gibibyte = 1 << 30
let second = 1_000_000

extension SplitMix64 {
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    mutating func pick<T>(_ choices: [T]) -> T { choices[Int.random(in: 0..<choices.count, using: &self)] }
}

extension Entry {
    init(
        _ id: Int, gib: Int = 0, cpus: Int = 0, wall seconds: Int? = nil, priority: Int = 0, group: String = "default",
        array: ArrayLimit? = nil, begin: Int? = nil, after dependencies: [[Term]] = [], held: Bool = false
    ) {
        self.init(id: id)
        self.request = Resources(memoryBytes: gib * gibibyte, milliCPUs: cpus * 1000)
        self.wallTimeUsec = seconds.map { $0 * second }
        self.priority = priority
        self.group = group
        self.array = array
        self.begin = begin.map { $0 * second }
        self.dependencies = dependencies
        self.held = held
    }
}

extension Scheduler {
    /// A machine with 16 GiB and 8 CPUs.
    static func small(_ groups: [String: Int] = [:]) -> Self {
        Self(capacity: Resources(memoryBytes: 16 * gibibyte, milliCPUs: 8000), groups: groups)
    }

    mutating func submit(_ entries: Entry...) { for entry in entries { submit(entry) { _ in Endings() } } }

    /// - Parameter outcomeOf: how a job ended that is not in here any more.
    mutating func submit(_ entry: Entry, outcomeOf: (Int) -> JobState?) {
        submit(entry, endings: { Endings(in: $0, outcomeOf) })
    }

    mutating func decide(at seconds: Int) -> [Decision] { decide(now: seconds * second) }

    /// The ids that start; a skip would be a negative one.
    mutating func started(at seconds: Int = 0) -> [Int] {
        decide(at: seconds).map {
            switch $0 {
            case .start(let id): id
            case .skip(let id, _): -id
            }
        }
    }

    /// Its words, with moments as seconds.
    func words(for id: Int, at seconds: Int = 0) -> String? {
        reason(for: id, now: seconds * second)?.description { "\($0 / second)s" }
    }
}

extension Endings {
    init(in ids: ClosedRange<Int>, _ outcomeOf: (Int) -> JobState?) {
        let ended = ids.compactMap { id in outcomeOf(id).map { (job: id, state: $0) } }
        self.init(isAny: !ended.isEmpty, uncompleted: ended.first { $0.state != .completed })
    }
}

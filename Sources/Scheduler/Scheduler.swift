// SPDX-License-Identifier: Apache-2.0
import JobModel

/// The queue and the machine's share for jobs, and what follows from them: which job starts when.
///
/// A value without a clock: whoever holds it says what happened and when, and carries out what ``decide(now:)`` returns. A
/// job is known from ``submit(_:endings:)`` or ``adopt(_:startedAt:)`` until ``ended(_:as:)`` or its `.skip`; what names
/// an unknown job does nothing. Moments are microseconds since the epoch.
///
/// ```swift
/// scheduler.submit(entry) { store.endings(in: $0) }
/// for decision in scheduler.decide(now: now) { … }
/// timer.arm(at: scheduler.nextBegin)
/// ```
///
/// **Rules.** Higher priority first, then the lower id. A job starts when its dependencies are met, its `begin` is past,
/// nobody holds it, its group and its array are below their limits, and its request is free. A job at the limit of its
/// group or array, or larger than the machine, stands in nobody's way. The first that waits for room does: see
/// ``Reservation`` for what jobs behind it may take and for why it cannot starve.
///
/// **Cost.** Every change is O(log n) in the number of jobs, ``decide(now:)`` beyond that O(running jobs) and one step for
/// each kind of job (equal in request, wall time, group and array) that it looks at, at most ``lookAhead`` behind the first
/// that waits.
package struct Scheduler: Sendable {
    /// How many kinds of jobs are tried for backfill. A bound, because with a request of its own for every job the
    /// whole queue would be tried at every end of a job.
    static let lookAhead = 100

    struct Job: Sendable {
        var priority: Int
        var kind: ReadyQueue.KindIndex
        var status: Status
    }

    /// What keeps a job out of the ready queue; it is ready if nothing does.
    struct Status: OptionSet, Sendable {
        var rawValue: UInt8
        static let held = Self(rawValue: 1)
        static let dependencies = Self(rawValue: 2)
        static let begin = Self(rawValue: 4)
        static let running = Self(rawValue: 8)
    }

    var jobs: [Int: Job] = [:]
    var queue: ReadyQueue
    var machine: Machine
    var prerequisites = Prerequisites()
    var begins: [Int: Int] = [:]
    var beginsInOrder = SortedSet<Appointment>()
    /// When the running jobs started.
    var starts: [Int: Int] = [:]
    /// Jobs that the next decision skips.
    var impossible: [Int: SkipReason] = [:]
    /// Whether nothing changed since the last decision that could let a job start. Time alone cannot: it only brings the
    /// head's start nearer, which leaves less to others.
    var isSettled = false
    let lookAhead: Int

    /// - Parameter groups: how many jobs of a group may run at once; other groups have no limit.
    package init(capacity: Resources, groups: [String: Int] = [:]) {
        self.init(capacity: capacity, groups: groups, lookAhead: Self.lookAhead)
    }

    init(capacity: Resources, groups: [String: Int], lookAhead: Int) {
        machine = Machine(capacity: capacity)
        queue = ReadyQueue(capacity: capacity)
        self.lookAhead = lookAhead
        for (name, parallel) in groups { queue.setParallel(parallel, ofGroup: name, running: []) }
    }

    // MARK: The machine

    /// What jobs may use together; running ones keep what they have when it shrinks.
    package var capacity: Resources {
        get { machine.capacity }
        set {
            machine.capacity = newValue
            queue.capacity = newValue
            isSettled = false
        }
    }

    /// What is not in use; negative if running jobs have more than the capacity.
    package var free: Resources { machine.free }

    package func contains(_ id: Int) -> Bool { jobs[id] != nil }

    /// What the scheduler takes a job for: pending, held or running; `nil` if it does not know the job.
    package func state(of id: Int) -> JobState? {
        jobs[id].map { $0.status.contains(.running) ? .running : $0.status.contains(.held) ? .held : .pending }
    }

    /// How many jobs run, and how many wait or are held.
    package var counts: (running: Int, waiting: Int) { (starts.count, jobs.count - starts.count) }

    /// While this is set, nothing starts.
    package var isDraining = false {
        didSet { isSettled = false }
    }

    /// Limits how many jobs of a group run at once, also to 0; `nil` lifts the limit.
    package mutating func setParallel(_ parallel: Int?, ofGroup group: String) {
        queue.setParallel(parallel, ofGroup: group, running: starts.keys.compactMap { jobs[$0]?.kind })
        isSettled = false
    }

    /// The earliest moment at which a job becomes ready by time alone: when ``decide(now:)`` is to be called at the latest.
    package var nextBegin: Int? { beginsInOrder.first?.time }
}

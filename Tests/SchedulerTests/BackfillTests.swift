// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

@testable import Scheduler

/// Job 1 holds 12 of 16 GiB for at most 100 s, and job 2, the head, waits for 8.
@Suite struct BackfillTests {
    private var scheduler = Scheduler.small(["gpu": 2])

    init() {
        scheduler.submit(Entry(1, gib: 12, wall: 100), Entry(2, gib: 8, wall: 1000))
        let started = scheduler.started()
        #expect(started == [1])
    }

    @Test mutating func `a job that has ended by the shadow passes`() {
        scheduler.submit(Entry(3, gib: 4, wall: 90), Entry(4, gib: 4, wall: 90))
        #expect(scheduler.started(at: 10) == [3])
        scheduler.ended(1, as: .completed)
        #expect(scheduler.started(at: 20) == [2, 4])
    }

    @Test mutating func `a job that ends later stays within the spare`() {
        scheduler.submit(Entry(3, gib: 4, wall: 91), Entry(4, gib: 4))
        #expect(scheduler.started(at: 10) == [3], "8 GiB are left beside the head when job 1 has ended; 4 are free now")
        #expect(scheduler.words(for: 4, at: 10) == "waits behind job 2, which needs 8G of memory, 0B free")
    }

    @Test mutating func `together those that end later stay within the spare`() {
        scheduler = Scheduler.small()
        // Two CPUs are free now, but the head takes 7 of 8 later.
        scheduler.submit(Entry(5, cpus: 6, wall: 100), Entry(6, cpus: 7), Entry(7, cpus: 1), Entry(8, cpus: 1))
        #expect(scheduler.started() == [5, 7])
        #expect(scheduler.words(for: 8) == "would delay job 6, which starts by 100s at the latest")
    }

    @Test mutating func `without a wall-time limit in the way only what is left beside the head is given away`() {
        scheduler = Scheduler.small()
        scheduler.submit(Entry(1, gib: 10), Entry(2, gib: 13), Entry(3, gib: 2, wall: 1), Entry(4, gib: 2, wall: 1))
        #expect(scheduler.started() == [1, 3], "16 - 13 leaves room for one of them")
        #expect(scheduler.words(for: 2) == "needs 13G of memory, 4G free")
        #expect(scheduler.words(for: 4) == "would delay job 2, which is before it")
        scheduler.ended(3, as: .completed)
        #expect(scheduler.started() == [4])
        scheduler.ended(1, as: .completed)
        #expect(scheduler.started() == [2], "though 4 still runs")
    }

    @Test mutating func `an endless stream of small jobs does not starve a head with an unknown shadow`() {
        scheduler = Scheduler.small()
        scheduler.submit(Entry(1, gib: 8), Entry(2, gib: 8), Entry(3, gib: 15))
        #expect(scheduler.started() == [1, 2])
        scheduler.ended(1, as: .completed)
        for id in 10..<100 { scheduler.submit(Entry(id, gib: 1)) }
        #expect(scheduler.started() == [10])
        scheduler.ended(2, as: .completed)
        #expect(scheduler.started() == [3])
    }

    @Test mutating func `nobody takes the last place of the head's group`() {
        scheduler = Scheduler.small(["gpu": 1])
        scheduler.submit(
            Entry(1, gib: 12, wall: 100), Entry(2, gib: 8, group: "gpu"), Entry(3, gib: 1, wall: 1, group: "gpu"))
        #expect(scheduler.started() == [1])
        #expect(scheduler.words(for: 3) == "waits behind job 2, which needs 8G of memory, 4G free")
        scheduler.setParallel(2, ofGroup: "gpu")
        #expect(scheduler.started() == [3])
    }

    @Test mutating func `nobody takes the last place of the head's array`() {
        let array = Entry.ArrayLimit(id: 7, parallel: 1)
        scheduler.ended(2, as: .cancelled)
        scheduler.submit(Entry(3, gib: 8, array: array), Entry(4, gib: 1, wall: 1, array: array))
        #expect(scheduler.started() == [])
    }

    @Test mutating func `while a job is past its limit, the head may start at any moment`() {
        scheduler.setPriority(1, of: 2)
        scheduler.submit(Entry(3, gib: 4, wall: 1), Entry(4, gib: 1, wall: 1))
        #expect(scheduler.started(at: 500) == [3], "it stays within the spare")
        scheduler.submit(Entry(5, gib: 16, priority: 2))
        scheduler.ended(3, as: .completed)
        #expect(scheduler.started(at: 500) == [], "beside 5 nothing is spare, and no end is early enough")
        #expect(scheduler.words(for: 5, at: 500) == "needs 16G of memory, 4G free; job 1 ends by 500s at the latest")
    }

    @Test mutating func `a limit beyond the end of time is none`() {
        var entry = Entry(3, gib: 4)
        entry.wallTimeUsec = .max
        scheduler.submit(entry)
        #expect(scheduler.started(at: 1) == [3])
        scheduler.submit(Entry(4, gib: 16, priority: 9))
        #expect(scheduler.started(at: 1) == [])
        #expect(scheduler.words(for: 4) == "needs 16G of memory, 0B free")
    }

    @Test mutating func `at most so many kinds are tried`() {
        scheduler = Scheduler(
            capacity: Resources(memoryBytes: 16 * gibibyte, milliCPUs: 8000), groups: [:], lookAhead: 2)
        scheduler.submit(Entry(1, gib: 12, wall: 100), Entry(2, gib: 8))
        for id in 3..<9 { scheduler.submit(Entry(id, gib: 16 - id % 2), Entry(id + 10, gib: 16 - id % 2)) }
        scheduler.submit(Entry(30, gib: 1, wall: 1))
        #expect(scheduler.started() == [1])
        for id in 3..<9 where id % 2 == 0 {
            scheduler.ended(id, as: .cancelled)
            scheduler.ended(id + 10, as: .cancelled)
        }
        #expect(scheduler.started() == [30])
    }
}

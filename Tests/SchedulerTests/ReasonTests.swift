// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

@testable import Scheduler

@Suite struct ReasonTests {
    private var scheduler = Scheduler.small(["gpu": 2])

    @Test mutating func `a running job has none`() {
        scheduler.submit(Entry(1))
        #expect(scheduler.words(for: 1) == "is about to start")
        #expect(scheduler.started() == [1])
        #expect(scheduler.words(for: 1) == nil)
    }

    @Test mutating func `held, begins, depends: in this order`() {
        scheduler.submit(Entry(1, held: true), Entry(2, begin: 60, after: [[.init(.ok, 1)]], held: true))
        #expect(scheduler.words(for: 2) == "held")
        scheduler.release(2)
        #expect(scheduler.words(for: 2) == "waits for job 1 (ok)")
        scheduler.release(1)
        #expect(scheduler.started() == [1])
        scheduler.ended(1, as: .completed)
        #expect(scheduler.words(for: 2) == "begins at 60s")
        #expect(scheduler.reason(for: 2, now: 0)?.description == "begins at 1970-01-01T00:01:00.000000Z")
    }

    @Test mutating func `limits are given with their figures`() {
        let array = Entry.ArrayLimit(id: 42, parallel: 1)
        scheduler.submit(Entry(1, group: "gpu"), Entry(2, group: "gpu"), Entry(3, group: "gpu"))
        scheduler.submit(Entry(4, array: array), Entry(5, array: array))
        #expect(scheduler.started() == [1, 2, 4])
        #expect(scheduler.words(for: 3) == "group 'gpu' runs 2 of 2")
        #expect(scheduler.words(for: 5) == "array 42 runs 1 of 1")
    }

    @Test mutating func `the head says what it lacks and who makes room by when`() {
        scheduler.submit(Entry(1, gib: 4, cpus: 7, wall: 100), Entry(2, gib: 10, cpus: 1, wall: 50))
        scheduler.submit(Entry(3, gib: 8, cpus: 2))
        #expect(scheduler.started() == [1, 2])
        #expect(
            scheduler.words(for: 3)
                == "needs 8G of memory, 2G free, and 2 CPUs, 0 free; job 1 ends by 100s at the latest")
    }

    @Test mutating func `the others say whom they wait behind`() {
        scheduler.submit(
            Entry(1, gib: 10, wall: 100), Entry(2, gib: 10), Entry(3, gib: 10), Entry(4, gib: 6, wall: 200))
        #expect(scheduler.started() == [1, 4])
        scheduler.submit(Entry(5, gib: 7))
        #expect(scheduler.words(for: 2) == "needs 10G of memory, 0B free; job 1 ends by 100s at the latest")
        #expect(scheduler.words(for: 3) == "waits behind job 2, which needs 10G of memory, 0B free")
        #expect(scheduler.words(for: 5) == "waits behind job 2, which needs 10G of memory, 0B free")
    }

    @Test mutating func `a job that would fit says whom it would delay`() {
        scheduler.submit(Entry(1, gib: 10, wall: 100), Entry(2, gib: 16), Entry(3, gib: 6, wall: 101))
        #expect(scheduler.started() == [1])
        #expect(scheduler.words(for: 3) == "would delay job 2, which starts by 100s at the latest")
    }

    @Test mutating func `one CPU is singular`() {
        scheduler.submit(Entry(1, cpus: 8), Entry(2, cpus: 1))
        #expect(scheduler.started() == [1])
        #expect(scheduler.words(for: 2) == "needs 1 CPU, 0 free")
    }
}

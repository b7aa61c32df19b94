// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

@testable import Scheduler

@Suite struct AdmissionTests {
    private var scheduler = Scheduler.small(["gpu": 2])

    @Test mutating func `higher priority first, then the lower id`() {
        scheduler.submit(Entry(1), Entry(2, priority: 5), Entry(3, priority: 5), Entry(4, priority: -1))
        #expect(scheduler.started() == [2, 3, 1, 4])
    }

    @Test mutating func `ids may come in any order`() {
        scheduler.submit(Entry(3), Entry(1), Entry(2))
        #expect(scheduler.started() == [1, 2, 3])
    }

    @Test mutating func `a job starts once`() {
        scheduler.submit(Entry(1))
        #expect(scheduler.started() == [1])
        #expect(scheduler.started() == [])
    }

    @Test mutating func `memory and cpus must both be free`() {
        scheduler.submit(Entry(1, gib: 12, cpus: 1), Entry(2, gib: 1, cpus: 8))
        #expect(scheduler.started() == [1])
        #expect(scheduler.free == Resources(memoryBytes: 4 * gibibyte, milliCPUs: 7000))
        scheduler.ended(1, as: .completed)
        #expect(scheduler.started() == [2])
    }

    @Test mutating func `a request of exactly what is free fits`() {
        scheduler.submit(Entry(1, gib: 10, cpus: 4), Entry(2, gib: 6, cpus: 4))
        #expect(scheduler.started() == [1, 2])
    }

    @Test mutating func `a job without a request starts on a full machine`() {
        scheduler.submit(Entry(1, gib: 16, cpus: 8), Entry(2))
        #expect(scheduler.started() == [1, 2])
    }

    @Test mutating func `a job larger than the machine blocks nobody and reserves nothing`() {
        scheduler.submit(Entry(1, gib: 64), Entry(2, gib: 16), Entry(3, gib: 1))
        #expect(scheduler.started() == [2])
        #expect(scheduler.words(for: 1) == "needs 64G of memory, 16G is all the machine has for jobs")
        scheduler.capacity.memoryBytes = 80 * gibibyte
        #expect(scheduler.started() == [1])
    }

    @Test mutating func `jobs that a smaller machine is too small for start when it has grown again`() {
        scheduler.submit(Entry(1, gib: 12))
        scheduler.capacity.memoryBytes = 8 * gibibyte
        #expect(scheduler.started() == [])
        scheduler.capacity.memoryBytes = 12 * gibibyte
        #expect(scheduler.started() == [1])
    }

    @Test mutating func `a machine that shrank lets running jobs be and starts none until they have made room`() {
        scheduler.submit(Entry(1, gib: 12), Entry(2, gib: 2))
        #expect(scheduler.started() == [1, 2])
        scheduler.submit(Entry(3, gib: 2))
        scheduler.capacity.memoryBytes = 4 * gibibyte
        #expect(scheduler.started() == [])
        #expect(scheduler.free.memoryBytes == -10 * gibibyte)
        scheduler.ended(1, as: .completed)
        #expect(scheduler.started() == [3])
    }

    @Test mutating func `an adopted job counts even if there is no room for it`() {
        scheduler.adopt(Entry(1, gib: 20, group: "gpu"), startedAt: 0)
        scheduler.adopt(Entry(2, gib: 1, group: "gpu"), startedAt: 0)
        scheduler.submit(Entry(3, gib: 1), Entry(4, group: "gpu"))
        #expect(scheduler.started() == [])
        scheduler.ended(1, as: .completed)
        #expect(scheduler.started() == [3, 4])
    }

    // MARK: Limits

    @Test mutating func `a group runs as many as it may and stands in nobody's way`() {
        for id in 1...4 { scheduler.submit(Entry(id, gib: 1, group: "gpu")) }
        scheduler.submit(Entry(5, gib: 14))
        #expect(scheduler.started() == [1, 2, 5])
        scheduler.ended(1, as: .completed)
        #expect(scheduler.started() == [3])
    }

    @Test mutating func `a group's limit can be set, changed and lifted while jobs run and wait`() {
        for id in 1...6 { scheduler.submit(Entry(id, group: "net")) }
        scheduler.setParallel(2, ofGroup: "net")
        #expect(scheduler.started() == [1, 2])
        scheduler.setParallel(3, ofGroup: "net")
        #expect(scheduler.started() == [3])
        scheduler.setParallel(0, ofGroup: "net")
        scheduler.ended(1, as: .completed)
        #expect(scheduler.started() == [])
        scheduler.setParallel(nil, ofGroup: "net")
        #expect(scheduler.started() == [4, 5, 6])
        scheduler.submit(Entry(7, group: "net"))
        scheduler.setParallel(5, ofGroup: "net")
        #expect(scheduler.started() == [], "2 to 6 run")
    }

    @Test mutating func `a limit that is set late counts those that run already`() {
        scheduler.submit(Entry(1, group: "net"), Entry(2, group: "net"))
        #expect(scheduler.started() == [1, 2])
        scheduler.setParallel(2, ofGroup: "net")
        scheduler.submit(Entry(3, group: "net"), Entry(4))
        #expect(scheduler.started() == [4])
        scheduler.ended(2, as: .failed)
        #expect(scheduler.started() == [3])
    }

    @Test mutating func `an array runs as many as it may and stands in nobody's way`() {
        let array = Entry.ArrayLimit(id: 1, parallel: 2)
        for id in 1...4 { scheduler.submit(Entry(id, array: array)) }
        scheduler.submit(Entry(5))
        #expect(scheduler.started() == [1, 2, 5])
        scheduler.ended(2, as: .failed)
        #expect(scheduler.started() == [3])
    }

    @Test mutating func `a retry that needs more memory still counts for its array`() {
        let array = Entry.ArrayLimit(id: 1, parallel: 1)
        scheduler.submit(Entry(1, gib: 1, array: array), Entry(2, gib: 1, array: array))
        #expect(scheduler.started() == [1])
        scheduler.requeue(1, request: Resources(memoryBytes: 2 * gibibyte))
        #expect(scheduler.started() == [1], "it kept its place")
        scheduler.ended(1, as: .completed)
        #expect(scheduler.started() == [2])
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

@testable import Scheduler

/// The guess at what starts next, by which jobs are launched before their turn.
@Suite struct UpcomingTests {
    private var scheduler = Scheduler.small(["gpu": 1])

    @Test mutating func `the next of one kind come in their order, as many as asked for`() {
        for id in 1...6 { scheduler.submit(Entry(id, cpus: 8)) }
        #expect(scheduler.started() == [1])
        #expect(scheduler.upcoming(3) == [2, 3, 4])
        #expect(scheduler.upcoming(9) == [2, 3, 4, 5, 6])
        scheduler.ended(1, as: .completed)
        #expect(scheduler.started() == [2])
        #expect(scheduler.upcoming(1) == [3])
    }

    @Test mutating func `several kinds are merged, and priority comes first`() {
        scheduler.submit(Entry(1, cpus: 4), Entry(2, cpus: 4))
        #expect(scheduler.started() == [1, 2])
        scheduler.submit(
            Entry(10, gib: 1, cpus: 4), Entry(11, gib: 2, cpus: 4), Entry(12, gib: 1, cpus: 4),
            Entry(13, gib: 2, cpus: 4, priority: 1))
        #expect(scheduler.upcoming(3) == [13, 10, 11])
        #expect(scheduler.upcoming(9) == [13, 10, 11, 12])
    }

    @Test mutating func `who needs more than one end makes room for is not next, nor is anybody behind`() {
        scheduler.submit(Entry(1, cpus: 4), Entry(2, cpus: 4), Entry(3, cpus: 8), Entry(4, cpus: 4))
        #expect(scheduler.started() == [1, 2])
        #expect(scheduler.upcoming(2) == [])
    }

    @Test mutating func `who waits for more than room is not next`() {
        scheduler.submit(
            Entry(1, cpus: 8, group: "gpu"), Entry(2, cpus: 8, held: true), Entry(3, cpus: 8, begin: 60),
            Entry(4, cpus: 8, after: [[.init(.ok, 1)]]), Entry(5, cpus: 8, group: "gpu"), Entry(6, cpus: 8))
        #expect(scheduler.started() == [1])
        #expect(scheduler.upcoming(4) == [6])
        scheduler.isDraining = true
        #expect(scheduler.upcoming(4) == [])
    }

    @Test mutating func `nothing runs, nothing is next`() {
        #expect(scheduler.upcoming(4) == [])
        scheduler.submit(Entry(1, gib: 64))
        #expect(scheduler.started() == [])
        #expect(scheduler.upcoming(4) == [])
    }
}

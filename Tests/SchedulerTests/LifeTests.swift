// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

@testable import Scheduler

@Suite struct LifeTests {
    private var scheduler = Scheduler.small()

    @Test mutating func `a held job starts when it is released`() {
        scheduler.submit(Entry(1, held: true), Entry(2))
        scheduler.hold(2)
        #expect(scheduler.started() == [])
        scheduler.release(2)
        #expect(scheduler.started() == [2])
        scheduler.release(1)
        #expect(scheduler.started() == [1])
    }

    @Test mutating func `holding the head gives its place to the next`() {
        scheduler.submit(Entry(1, gib: 10), Entry(2, gib: 10), Entry(3, gib: 6, wall: 5), Entry(4, gib: 7))
        #expect(scheduler.started() == [1, 3])
        scheduler.hold(2)
        scheduler.ended(1, as: .completed)
        #expect(scheduler.started() == [4])
    }

    @Test mutating func `running jobs take no notice of hold and release`() {
        scheduler.submit(Entry(1, gib: 1))
        #expect(scheduler.started() == [1])
        scheduler.hold(1)
        scheduler.release(1)
        #expect(scheduler.started() == [])
        #expect(scheduler.free.memoryBytes == 15 * gibibyte)
    }

    @Test mutating func `a job begins when its time has come`() {
        scheduler.submit(Entry(1, begin: 100), Entry(2, begin: 50, held: true), Entry(3, begin: 70))
        #expect(scheduler.nextBegin == 50 * second)
        #expect(scheduler.started(at: 49) == [])
        #expect(scheduler.started(at: 70) == [3])
        #expect(scheduler.nextBegin == 100 * second)
        scheduler.release(2)
        #expect(scheduler.started(at: 100) == [1, 2])
        #expect(scheduler.nextBegin == nil)
    }

    @Test mutating func `a job that is to begin and is cancelled wakes nobody`() {
        scheduler.submit(Entry(1, begin: 100))
        scheduler.ended(1, as: .cancelled)
        #expect(scheduler.nextBegin == nil)
        #expect(scheduler.started(at: 200) == [])
    }

    @Test mutating func `a retry waits for its pause and keeps its place`() {
        scheduler.submit(Entry(1, gib: 16), Entry(2, gib: 16), Entry(3, gib: 16))
        #expect(scheduler.started() == [1])
        scheduler.requeue(1, notBefore: 30 * second)
        #expect(scheduler.started(at: 1) == [2])
        #expect(scheduler.words(for: 1) == "begins at 30s")
        scheduler.ended(2, as: .completed)
        #expect(scheduler.started(at: 30) == [1], "before 3")
    }

    @Test mutating func `a retry may ask for more, even for more than there is`() {
        scheduler.submit(Entry(1, gib: 4))
        #expect(scheduler.started() == [1])
        scheduler.requeue(1, request: Resources(memoryBytes: 8 * gibibyte))
        #expect(scheduler.started() == [1])
        #expect(scheduler.free.memoryBytes == 8 * gibibyte)
        scheduler.requeue(1, request: Resources(memoryBytes: 17 * gibibyte))
        #expect(scheduler.started() == [])
        #expect(scheduler.free.memoryBytes == 16 * gibibyte)
    }

    @Test mutating func `a job's priority moves it, in the queue and for its next attempt`() {
        scheduler.submit(Entry(1, gib: 16), Entry(2, gib: 16), Entry(3, gib: 16))
        #expect(scheduler.started() == [1])
        scheduler.setPriority(1, of: 3)
        scheduler.setPriority(-1, of: 1)
        scheduler.requeue(1)
        #expect(scheduler.started() == [3])
        scheduler.ended(3, as: .completed)
        #expect(scheduler.started() == [2])
    }

    @Test mutating func `a cancelled job is gone, wherever it was`() {
        scheduler.submit(Entry(1, gib: 16), Entry(2, gib: 16), Entry(3, held: true), Entry(4, gib: 1))
        #expect(scheduler.started() == [1])
        for id in 1...3 { scheduler.ended(id, as: .cancelled) }
        #expect(scheduler.started() == [4])
        for id in 1...3 { #expect(scheduler.reason(for: id, now: 0) == nil) }
        scheduler.ended(2, as: .cancelled)
        #expect(scheduler.free.memoryBytes == 15 * gibibyte)
    }

    @Test mutating func `while it drains, nothing starts but what is impossible is skipped`() {
        scheduler.submit(Entry(1), Entry(2, after: [[.init(.ok, 1)]]), Entry(3))
        scheduler.hold(3)
        #expect(scheduler.started() == [1])
        scheduler.isDraining = true
        scheduler.ended(1, as: .failed)
        scheduler.release(3)
        #expect(scheduler.started() == [-2])
        #expect(scheduler.words(for: 3) == "the queue is draining, nothing new starts")
        scheduler.isDraining = false
        #expect(scheduler.started() == [3])
    }

    @Test mutating func `what names an unknown job does nothing`() {
        scheduler.ended(1, as: .failed)
        scheduler.requeue(1)
        scheduler.hold(1)
        scheduler.release(1)
        scheduler.setPriority(1, of: 1)
        #expect(scheduler.started() == [])
        #expect(scheduler.reason(for: 1, now: 0) == nil)
    }
}

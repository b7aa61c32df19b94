// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

@testable import Scheduler

@Suite struct DependencyTests {
    private var scheduler = Scheduler.small()

    private static let final: [JobState] = [
        .completed, .failed, .outOfMemory, .timeout, .cancelled, .lost, .skipped,
    ]

    private static func meets(_ condition: Dependency.Condition, _ state: JobState) -> Bool {
        switch condition {
        case .ok: state == .completed
        case .failed: state != .completed
        case .any: true
        }
    }

    @Test(arguments: Dependency.Condition.allCases, final)
    mutating func `a job that ends meets a condition or makes it impossible`(
        _ condition: Dependency.Condition, _ state: JobState
    ) {
        scheduler.submit(Entry(1), Entry(2, after: [[.init(condition, 1)]]))
        #expect(scheduler.started() == [1])
        scheduler.ended(1, as: state)
        #expect(scheduler.started() == [Self.meets(condition, state) ? 2 : -2])
    }

    @Test(arguments: Dependency.Condition.allCases, final)
    mutating func `a job that had ended before is judged alike`(_ condition: Dependency.Condition, _ state: JobState) {
        scheduler.submit(Entry(2, after: [[.init(condition, 1)]])) { _ in state }
        #expect(scheduler.started() == [Self.meets(condition, state) ? 2 : -2])
    }

    @Test(arguments: Dependency.Condition.allCases)
    mutating func `a job that never was can meet nothing`(_ condition: Dependency.Condition) throws {
        scheduler.submit(Entry(2, after: [[.init(condition, 1)]]))
        let reason = try #require(scheduler.reason(for: 2, now: 0))
        #expect(reason.description == "there is no job 1, but \(condition.rawValue):1 was asked for")
        #expect(scheduler.started() == [-2])
        #expect(scheduler.reason(for: 2, now: 0) == nil)
    }

    @Test mutating func `a skip names the job and its state`() {
        scheduler.submit(Entry(41), Entry(42, after: [[.init(.ok, 41)]]))
        #expect(scheduler.started() == [41])
        scheduler.ended(41, as: .outOfMemory)
        guard case .skip(42, let reason)? = scheduler.decide(now: 0).first else { return #expect(Bool(false)) }
        #expect(reason.description == "job 41 ended as out-of-memory, but ok:41 was asked for")
    }

    @Test mutating func `all terms of an alternative are needed`() {
        scheduler.submit(Entry(1), Entry(2), Entry(3, after: [[.init(.ok, 1), .init(.any, 2)]]))
        #expect(scheduler.started() == [1, 2])
        scheduler.ended(2, as: .failed)
        #expect(scheduler.started() == [])
        #expect(scheduler.words(for: 3) == "waits for job 1 (ok)")
        scheduler.ended(1, as: .completed)
        #expect(scheduler.started() == [3])
    }

    @Test mutating func `one alternative is enough, and only when none is left the job is skipped`() {
        let either: [[Entry.Term]] = [[.init(.ok, 1), .init(.ok, 2)], [.init(.failed, 1)]]
        scheduler.submit(Entry(1), Entry(2), Entry(3, after: either), Entry(4, after: either))
        #expect(scheduler.started() == [1, 2])
        #expect(scheduler.words(for: 3) == "waits for jobs 1 (ok), 2 (ok), or for job 1 (failed)")
        scheduler.ended(2, as: .failed)
        #expect(scheduler.words(for: 3) == "waits for job 1 (failed)")
        scheduler.ended(4, as: .cancelled)
        scheduler.ended(1, as: .completed)
        #expect(scheduler.started() == [-3])
    }

    @Test mutating func `a job that was met by one alternative takes no notice of the other`() {
        scheduler.submit(Entry(1), Entry(2), Entry(3, after: [[.init(.ok, 1)], [.init(.ok, 2)]]))
        #expect(scheduler.started() == [1, 2])
        scheduler.ended(1, as: .completed)
        #expect(scheduler.started() == [3])
        scheduler.ended(2, as: .failed)
        #expect(scheduler.started() == [])
    }

    @Test mutating func `skipping cascades, also through held jobs and such that begin later`() {
        scheduler.submit(
            Entry(1), Entry(2, after: [[.init(.ok, 1)]], held: true), Entry(3, begin: 50, after: [[.init(.ok, 2)]]),
            Entry(4, after: [[.init(.ok, 3)]]), Entry(5, after: [[.init(.failed, 3)]]),
            Entry(6, after: [[.init(.any, 4)]]))
        #expect(scheduler.started() == [1])
        scheduler.ended(1, as: .timeout)
        #expect(scheduler.started() == [-2, -3, -4, 5, 6])
        #expect(scheduler.nextBegin == nil)
    }

    @Test mutating func `a job that waits again for its retry keeps its dependents waiting`() {
        scheduler.submit(Entry(1), Entry(2, after: [[.init(.ok, 1)]]))
        #expect(scheduler.started() == [1])
        scheduler.requeue(1)
        #expect(scheduler.started() == [1])
        #expect(scheduler.words(for: 2) == "waits for job 1 (ok)")
    }

    @Test mutating func `after a restart those that run come in before those that wait for them`() {
        scheduler.adopt(Entry(1), startedAt: 0)
        scheduler.submit(Entry(2, after: [[.init(.ok, 1)]]))
        #expect(scheduler.started() == [])
        scheduler.ended(1, as: .completed)
        #expect(scheduler.started() == [2])
    }

    @Test mutating func `a job that waits for itself is skipped`() {
        scheduler.submit(Entry(1, after: [[.init(.any, 1)]]))
        #expect(scheduler.started() == [-1])
    }

    @Test mutating func `an empty alternative asks for nothing`() {
        scheduler.submit(Entry(1, after: [[.init(.ok, 9)], []]))
        #expect(scheduler.started() == [1])
    }

    @Test mutating func `the same job may be named twice`() {
        scheduler.submit(Entry(1), Entry(2, after: [[.init(.ok, 1), .init(.any, 1)]]))
        #expect(scheduler.started() == [1])
        scheduler.ended(1, as: .completed)
        #expect(scheduler.started() == [2])
    }

    @Test mutating func `a job that was cancelled and comes again waits for everything anew`() {
        let both: [[Entry.Term]] = [[.init(.ok, 1), .init(.ok, 2)]]
        scheduler.submit(Entry(1), Entry(2), Entry(3, after: both + both))
        #expect(scheduler.started() == [1, 2])
        scheduler.ended(3, as: .cancelled)
        scheduler.submit(Entry(3, after: both))
        scheduler.ended(1, as: .completed)
        #expect(scheduler.started() == [])
        scheduler.ended(2, as: .completed)
        #expect(scheduler.started() == [3])
    }

    @Test mutating func `a long list is told in short`() {
        for id in 1...20 { scheduler.submit(Entry(id, held: true)) }
        scheduler.submit(Entry(21, after: [(1...20).map { .init(.ok, $0) }]))
        #expect(scheduler.words(for: 21)?.hasSuffix("7 (ok), 8 (ok) and 12 more") == true)
    }

    // MARK: Ranges

    @Test mutating func `a range means all jobs there are, and failed means one of them`() {
        for id in [1, 2, 4] { scheduler.submit(Entry(id)) }
        scheduler.submit(
            Entry(6, after: [[.init(.ok, 1...5)]]), Entry(7, after: [[.init(.any, 1...5)]]),
            Entry(8, after: [[.init(.failed, 1...5)]]))
        #expect(scheduler.started() == [1, 2, 4])
        #expect(scheduler.words(for: 6) == "waits for jobs 1-5 (ok)")
        scheduler.ended(1, as: .completed)
        #expect(scheduler.started() == [])
        scheduler.ended(4, as: .failed)
        #expect(scheduler.started() == [-6, 8])
        scheduler.ended(2, as: .completed)
        #expect(scheduler.started() == [7])
    }

    @Test mutating func `a range of which all completed is no failure`() {
        scheduler.submit(Entry(1), Entry(2), Entry(3, after: [[.init(.failed, 1...2)]]))
        #expect(scheduler.started() == [1, 2])
        scheduler.ended(1, as: .completed)
        scheduler.ended(2, as: .completed)
        guard case .skip(3, let reason)? = scheduler.decide(now: 0).first else { return #expect(Bool(false)) }
        #expect(reason.description == "job 2 ended as completed, but failed:1-2 was asked for")
    }

    @Test mutating func `a range waits for a job of it that comes again`() {
        scheduler.submit(Entry(1), Entry(2), Entry(3, after: [[.init(.any, 1...2)]]))
        #expect(scheduler.started() == [1, 2])
        scheduler.ended(1, as: .failed)
        scheduler.submit(Entry(1))
        scheduler.ended(2, as: .completed)
        #expect(scheduler.started() == [1])
        scheduler.ended(1, as: .failed)
        #expect(scheduler.started() == [3])
    }

    @Test mutating func `a range of jobs that never were can meet nothing`() {
        scheduler.submit(Entry(9, after: [[.init(.any, 3...5)]]))
        #expect(scheduler.words(for: 9) == "there is no job 3-5, but any:3-5 was asked for")
    }

    @Test mutating func `a hundred jobs that wait for one range look at its jobs once`() {
        for id in 1...1000 { scheduler.submit(Entry(id, held: true)) }
        var asked = 0
        for id in 1001...1100 {
            scheduler.submit(Entry(id, after: [[.init(.any, 1...1000)]])) { _ in
                asked += 1
                return Endings()
            }
        }
        #expect(asked == 0)
        #expect(scheduler.words(for: 1100) == "waits for jobs 1-1000 (any)")
        // Those that are gone leave nothing behind.
        for id in 1001...1100 { scheduler.ended(id, as: .cancelled) }
        #expect(scheduler.prerequisites.isEmpty)
    }
}

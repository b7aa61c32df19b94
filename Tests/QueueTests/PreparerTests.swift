// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import Queue
import Testing

@Suite struct PreparerTests {
    private let clock = TestClock()
    private let preparer: Preparer

    init() { preparer = Preparer(clock: clock) }

    private func attempt(_ id: Int) -> LiveAttempt<String> {
        LiveAttempt(
            job: pending(id), document: JobDocument(spec: "", context: ""), spec: JobSpec(name: "sim"), number: 1)
    }

    @Test func `it prepares for a second after a short attempt, and never after long ones`() {
        #expect(!preparer.arrange())
        preparer.note(length: nil)
        preparer.note(length: 250_000)
        #expect(!preparer.arrange())
        preparer.note(length: 249_999)
        clock.advance(by: 999_999)
        #expect(preparer.arrange())
        #expect(!preparer.arrange(), "one at a time")
        _ = preparer.next(in: JobTable<String>()) { _ in [] }
        #expect(preparer.arrange())
        _ = preparer.next(in: JobTable<String>()) { _ in [] }
        clock.advance(by: 1)
        #expect(!preparer.arrange())
    }

    @Test func `one attempt more than run, four at most, and none where one has failed`() {
        var table = JobTable<String>()
        var asked: [Int] = []
        func next() -> Int? {
            preparer.next(in: table) { count in
                asked.append(count)
                return Array(11..<11 + count)
            }
        }
        #expect(next() == 11)
        _ = table.apply(.begin(attempt(1)), to: 1)
        _ = table.apply(.cannotPrepare, to: 11)
        #expect(next() == 12)
        for id in 2...9 { _ = table.apply(.begin(attempt(id)), to: id) }
        for id in 12...14 { _ = table.apply(.prepare(attempt(id), at: 0), to: id) }
        #expect(next() == nil)
        #expect(asked == [1, 2, 4])
        _ = table.apply(.prepare(attempt(15), at: 0), to: 15)
        #expect(next() == nil)
        #expect(asked.count == 3, "there are four")
    }

    @Test func `an attempt is stale a second after its launch, whenever that was told`() {
        var told: [Int] = []
        clock.advance(by: 10_000_000)
        preparer.awaitStale(oldest: 9_500_000) { told.append($0) }
        preparer.awaitStale(oldest: 9_900_000) { _ in Issue.record("the first is awaited") }
        clock.advance(by: 499_999)
        #expect(told.isEmpty)
        clock.advance(by: 1)
        #expect(told == [9_500_000])
        preparer.awaitStale(oldest: 0) { told.append($0) }
        clock.advance(by: 0)
        #expect(told.count == 2, "at once")
    }

    @Test func `a row is good until anything happens to its job, or others are read`() {
        preparer.keep([1, 2].map { (pending($0), JobDocument(spec: "s\($0)", context: "")) })
        #expect(preparer.row(of: 2)?.document.spec == "s2")
        preparer.forget(2)
        #expect(preparer.row(of: 2) == nil && preparer.row(of: 1) != nil)
        preparer.keep([])
        #expect(preparer.row(of: 1) == nil)
    }
}

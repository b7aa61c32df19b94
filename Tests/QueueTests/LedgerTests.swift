// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import Queue
import Synchronization
import Testing

@Suite struct LedgerTests {
    private let clock = TestClock()
    private let full = StoreError(.diskFull, "write changes", path: "/q/jobs.db")
    private let refused = StoreError(.refused(.noSuchJob(7)), "write changes", path: "/q/jobs.db")

    private final class TestGate: StartGate {
        let opened = Mutex(0)
        func noteStart() { opened.withLock { $0 += 1 } }
    }

    private func submitted(_ id: Int) -> Change { .submitted(pending(id), JobDocument(spec: "s\(id)", context: "")) }
    private func ended(_ id: Int, _ state: JobState) -> Change {
        .changed(job: id, to: state, cause: nil, detail: nil, at: noon)
    }

    @Test func `what is appended before a batch is taken shares it, in order`() throws {
        let ledger = Ledger(clock: clock)
        var heard: [String] = []
        #expect(ledger.append([submitted(1)]) { heard.append("1 \($0 == nil)") })
        #expect(!ledger.append([submitted(2), submitted(3)]) { heard.append("2 \($0 == nil)") })
        let first = try #require(ledger.takeBatch())
        #expect(first.calls.map { $0.map(\.job) } == [[1], [2, 3]])
        #expect(ledger.takeBatch() == nil)
        #expect(ledger.append([submitted(4)]) { heard.append("4 \($0 == nil)") }, "the next batch begins")
        let second = try #require(ledger.takeBatch())
        ledger.landed(first.number, [nil, refused]) { $0.then($0.error) }
        #expect(heard == ["1 true", "2 false"])
        #expect(!ledger.isEmpty)
        ledger.landed(second.number, [nil]) { $0.then($0.error) }
        #expect(heard.last == "4 true" && ledger.isEmpty)
    }

    @Test func `a batch that landed is heard of once`() throws {
        let ledger = Ledger(clock: clock)
        var heard = 0
        _ = ledger.append([submitted(1)]) { _ in heard += 1 }
        let batch = try #require(ledger.takeBatch())
        for _ in 1...2 { ledger.landed(batch.number, [nil]) { $0.then($0.error) } }
        #expect(heard == 1)
    }

    @Test func `a gate opens for a start that is on disk, and for no other`() throws {
        let ledger = Ledger(clock: clock)
        let gates = [TestGate(), TestGate()]
        for (id, gate) in zip(1..., gates) { _ = ledger.append([submitted(id)], opening: gate) { _ in } }
        let batch = try #require(ledger.takeBatch())
        #expect(gates.allSatisfy { $0.opened.withLock { $0 } == 0 })
        batch.openGates([full, nil])
        #expect(gates.map { $0.opened.withLock { $0 } } == [0, 1])
    }

    @Test func `a submission is known until it has landed, also if it was refused`() throws {
        let ledger = Ledger(clock: clock)
        for id in 1...2 { _ = ledger.append([submitted(id)]) { _ in } }
        #expect(ledger.submission(of: 2)?.document.spec == "s2")
        let batch = try #require(ledger.takeBatch())
        #expect(ledger.submission(of: 1) != nil)
        ledger.landed(batch.number, [nil, full]) { _ in }
        #expect(ledger.submission(of: 1) == nil && ledger.submission(of: 2) == nil)
    }

    @Test func `an end is known until it is on disk, and longer if the disk does not take it`() throws {
        let ledger = Ledger(clock: clock)
        for (id, state) in [(1, JobState.failed), (2, .completed), (5, .lost)] {
            _ = ledger.append([ended(id, state)]) { _ in }
        }
        #expect(ledger.end(of: 1) == .failed)
        #expect(ledger.ends(in: 1...2) == [1: .failed, 2: .completed])
        let batch = try #require(ledger.takeBatch())
        ledger.landed(batch.number, [nil, full, refused]) { _ in }
        #expect(ledger.ends(in: 1...9) == [2: .completed])
        // A retry takes it back.
        _ = ledger.append([ended(2, .pending)]) { _ in }
        #expect(ledger.end(of: 2) == nil)
    }

    @Test func `what follows sees later calls of its batch as still under way`() throws {
        let ledger = Ledger(clock: clock)
        var seen: [Bool] = []
        for id in 1...2 { _ = ledger.append([submitted(id)]) { _ in seen.append(ledger.submission(of: 2) != nil) } }
        let batch = try #require(ledger.takeBatch())
        ledger.landed(batch.number, [nil, nil]) { $0.then($0.error) }
        #expect(seen == [true, false])
    }

    @Test func `a full disk is tried again once after a pause, for as long as it is full`() {
        let ledger = Ledger(clock: clock)
        var tries = 0
        for _ in 1...3 { ledger.suspend(by: full) { tries += 1 } }
        #expect(ledger.trouble == full)
        clock.advance(by: 4_999_999)
        #expect(tries == 0)
        clock.advance(by: 1)
        #expect(tries == 1 && ledger.trouble == full)
        clock.advance(by: 60_000_000)
        #expect(tries == 1, "the answer to it decides")
        ledger.suspend(by: full) { tries += 1 }
        clock.advance(by: 5_000_000)
        ledger.resume()
        #expect(tries == 2 && ledger.trouble == nil && clock.waiting == 0)
    }
}

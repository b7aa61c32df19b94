// SPDX-License-Identifier: Apache-2.0
import Dispatch
import JobModel
import Synchronization
import Testing

@testable import JobStore

@Suite struct GroupCommitTests {
    private let store: JobStore

    init() throws { store = try JobStore(path: ":memory:") }

    @Test func callsDuringACommitShareTheNext() async throws {
        let outcomes = await store.appendTogether((1...100).map { submit([$0]) })
        #expect(outcomes.allSatisfy { $0 == nil })
        // The empty call that they waited for, and one for all of them.
        #expect(store.statistics == .init(calls: 101, changes: 100, commits: 2))
        #expect(try store.nextID() == 101)
    }

    @Test func concurrentTasksAreAllServed() async throws {
        try await store.append(submit(1...200))
        try await withThrowingTaskGroup { group in
            for id in 1...200 { group.addTask { try await store.append([start(id), end(id)]) } }
            try await group.waitForAll()
        }
        #expect(store.statistics.calls == 201)
        #expect(try store.live().isEmpty)
    }

    @Test func callsKeepTheirOrder() async {
        let finished = Mutex<[Int]>([])
        await withCheckedContinuation { continuation in
            for id in 1...50 {
                // Each needs the one before.
                store.append(id == 1 ? submit([1]) : [change(1, id.isMultiple(of: 2) ? .held : .pending)]) { error in
                    #expect(error == nil)
                    finished.withLock { $0.append(id) }
                    if id == 50 { continuation.resume() }
                }
            }
        }
        #expect(finished.withLock(\.self) == Array(1...50))
    }

    @Test func aRefusedCallFailsAlone() async throws {
        let outcomes = await store.appendTogether([
            submit([1]), submit([2]) + [end(2)], submit([3]), [end(1)], submit([4, 4]), submit([5]), [start(5)],
        ])
        #expect(outcomes.map { $0 == nil } == [true, false, true, false, false, true, true])
        #expect(outcomes[1]?.problem == .refused(.impossible(job: 2, .ended(.completed), in: .pending)))
        #expect(store.statistics == .init(calls: 5, changes: 4, commits: 2, failures: 3))
        // Nothing of them is there, not even what came before their mistake.
        #expect(try store.live().map(\.id) == [1, 3, 5])
        #expect(try store.history(of: 2).isEmpty)
        try await store.append(submit([6]))
    }

    @Test func aRefusedCallLeavesNoDocumentForTheNext() async throws {
        let outcomes = await store.appendTogether([submit([1]) + [end(1)], submit([2])])
        #expect(outcomes.map { $0 == nil } == [false, true])
        #expect(try store.document(of: 2) == document)
    }

    @Test func aCompletionMayReadAndAppend() async throws {
        let store = store
        let found: StoredJob? = await withCheckedContinuation { continuation in
            store.append(submit([1])) { _ in
                let job = try? store.job(1)
                store.append(submit([2])) { _ in continuation.resume(returning: job) }
            }
        }
        #expect(found == job(1))
        #expect(try store.nextID() == 3)
    }

    @Test func theEndOfATaskTakesNothingBack() async throws {
        let store = store
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await store.append(submit([1]))
        }
        try await task.value
        #expect(try store.job(1) != nil)
    }

    @Test func closingWaitsForWhatIsQueuedAndRefusesTheRest() throws {
        let done = Mutex(0)
        for id in 1...20 { store.append(submit([id])) { if $0 == nil { done.withLock { $0 += 1 } } } }
        store.close()
        #expect(done.withLock(\.self) == 20)
        let refusal = Mutex<StoreError?>(nil)
        store.append(submit([21])) { error in refusal.withLock { $0 = error } }
        #expect(refusal.withLock(\.self)?.problem == .closed)
        #expect(throws: StoreError.self) { try store.job(1) }
        store.close()
    }
}

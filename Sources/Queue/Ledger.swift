// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore

/// The gate of an attempt, which opens once its start is on disk.
package protocol StartGate: Sendable {
    /// The start is on disk. From any thread, so that the command need not wait for the queue's.
    func noteStart()
}

/// The changes on their way to the disk, and everything that has to wait until they are there.
///
/// The changes of one turn of the loop are a batch, which shares a transaction: the end of one job and the start of the next
/// cost one sync (decision 008). The ledger writes nothing itself: its owner takes a batch to the store and tells the result.
package final class Ledger {
    /// Changes that are written together or not at all, and what follows.
    private struct Entry {
        var changes: [Change]
        var gate: (any StartGate)?
        var then: (StoreError?) -> Void
    }

    /// Changes for the store, in the order in which they were appended.
    package struct Batch: Sendable {
        package let number: Int
        /// Each element is written or refused by itself.
        package let calls: [[Change]]
        fileprivate let gates: [(any StartGate)?]

        /// Opens the gates of the calls that are on disk; on whichever thread knows it first.
        package func openGates(_ errors: [StoreError?]) {
            for (gate, error) in zip(gates, errors) where error == nil { gate?.noteStart() }
        }
    }

    /// The result of one call.
    package struct Outcome {
        package let changes: [Change]
        package let error: StoreError?
        package let then: (StoreError?) -> Void
    }

    /// A job as it will be on disk, which a read may not know yet.
    package typealias Unwritten = (job: StoredJob, document: JobDocument)

    private static let retryUsec = 5_000_000

    private let clock: any QueueClock
    private var next: [Entry] = []
    private var underWay: [Int: [Entry]] = [:]
    private var nextNumber = 0
    private var submissions: [Int: Unwritten] = [:]
    private var ends: [Int: JobState] = [:]
    private var isRetryDue = false
    /// The reason why the disk takes no writes. Until it does again nothing starts, and ended attempts wait here.
    package private(set) var trouble: StoreError?

    package init(clock: any QueueClock) { self.clock = clock }

    /// Whether everything that was appended has landed.
    package var isEmpty: Bool { next.isEmpty && underWay.isEmpty }

    // MARK: Batches

    /// Adds changes to the next batch.
    ///
    /// - Parameters:
    ///   - gate: of the attempt that begins by them.
    ///   - then: called by the owner for the ``Outcome``.
    /// - Returns: whether they are the first of a batch, which has to be taken at the end of the turn.
    package func append(
        _ changes: [Change], opening gate: (any StartGate)? = nil, then: @escaping (StoreError?) -> Void
    ) -> Bool {
        for change in changes {
            if case .submitted(let job, let document) = change { submissions[job.id] = (job, document) }
            if let state = change.state { ends[change.job] = state.isFinal ? state : nil }
        }
        next.append(Entry(changes: changes, gate: gate, then: then))
        return next.count == 1
    }

    /// The batch that is to be written now; `nil` if there is nothing to write.
    package func takeBatch() -> Batch? {
        guard !next.isEmpty else { return nil }
        let number = nextNumber
        nextNumber += 1
        underWay[number] = next
        defer { next = [] }
        return Batch(number: number, calls: next.map(\.changes), gates: next.map(\.gate))
    }

    /// A batch is on disk, or was refused: calls `each` for its calls in their order.
    ///
    /// - Parameter errors: one for each call of the batch, `nil` for a call that is on disk.
    package func landed(_ number: Int, _ errors: [StoreError?], each: (Outcome) -> Void) {
        for (entry, error) in zip(underWay.removeValue(forKey: number) ?? [], errors) {
            forget(entry.changes, error)
            each(Outcome(changes: entry.changes, error: error, then: entry.then))
        }
        // A burst of a hundred thousand would keep its memory.
        if submissions.isEmpty, submissions.capacity > 1000 { submissions = [:] }
    }

    private func forget(_ changes: [Change], _ error: StoreError?) {
        for change in changes {
            if case .submitted(let job, _) = change { submissions[job.id] = nil }
            // Not by the news of its start, which may come later than its end. What the disk does not take is tried again.
            if change.state?.isFinal == true, error?.isTheDisks != true { ends[change.job] = nil }
        }
    }

    // MARK: Not on disk yet

    /// A job whose submission is not on disk yet.
    package func submission(of job: Int) -> Unwritten? { submissions[job] }

    /// The final state of a job whose end is not on disk yet: the scheduler has forgotten it, and a read finds it alive.
    package func end(of job: Int) -> JobState? { ends[job] }

    /// The same for all jobs of a range.
    package func ends(in jobs: ClosedRange<Int>) -> [Int: JobState] { ends.filter { jobs.contains($0.key) } }

    // MARK: Trouble

    /// Takes note that the disk is full or broken.
    ///
    /// - Parameter retry: called after a pause, once however often this is called meanwhile; to be answered by a write.
    package func suspend(by error: StoreError, retry: @escaping () -> Void) {
        trouble = error
        guard !isRetryDue else { return }
        isRetryDue = true
        clock.after(Self.retryUsec) { [self] in
            isRetryDue = false
            retry()
        }
    }

    /// The disk takes writes again.
    package func resume() { trouble = nil }
}

extension StoreError {
    /// Whether it will be so for every write, whatever it says.
    package var isTheDisks: Bool {
        switch problem {
        case .refused, .damagedRow: false
        default: true
        }
    }
}

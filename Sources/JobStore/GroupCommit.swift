// SPDX-License-Identifier: Apache-2.0
import Dispatch
import GRDB
import Synchronization

/// Calls that wait for the disk, and the one thread that takes them there: all that arrived during a commit share the
/// next transaction and its fsync.
final class GroupCommit: Sendable {
    typealias Batch = JobStore.Batch

    private struct State {
        var waiting: [Batch] = []
        /// Whether a turn of the queue is under way or on its way.
        var busy = false
        var closed = false
        var statistics = JobStore.Statistics()
    }

    private let database: DatabaseQueue
    private let files: OpenFiles
    private let path: String
    private let state = Mutex(State())
    /// Not the database's own queue: a completion may read from the store, which GRDB forbids on that one.
    private let queue = DispatchQueue(label: "JobStore.GroupCommit")

    init(_ database: DatabaseQueue, _ files: OpenFiles, path: String) {
        self.database = database
        self.files = files
        self.path = path
    }

    var statistics: JobStore.Statistics { state.withLock(\.statistics) }

    func append(_ batch: Batch) {
        enum Next { case nothing, wake, refuse }
        let next: Next = state.withLock { state in
            if state.closed { return .refuse }
            state.waiting.append(batch)
            defer { state.busy = true }
            return state.busy ? .nothing : .wake
        }
        switch next {
        case .nothing: break
        case .wake: queue.async { self.drain() }
        case .refuse:
            let error = StoreError(.closed, Self.operation, path: path)
            batch.completion(Array(repeating: error, count: batch.calls.count))
        }
    }

    /// Refuses what comes from now on and waits for what came before.
    ///
    /// - Returns: `false` if that was done before.
    func close() -> Bool {
        dispatchPrecondition(condition: .notOnQueue(queue))
        let first = state.withLock { state in
            defer { state.closed = true }
            return !state.closed
        }
        // Behind every turn that was asked for.
        queue.sync {}
        return first
    }

    private func drain() {
        while let batches = take() {
            var outcomes = commit(batches.flatMap(\.calls))[...]
            for batch in batches {
                batch.completion(Array(outcomes.prefix(batch.calls.count)))
                outcomes = outcomes.dropFirst(batch.calls.count)
            }
        }
    }

    private func take() -> [Batch]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.busy = false
                return nil
            }
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    /// One transaction for all calls; each call that is refused leaves no trace in it.
    private func commit(_ calls: [[Change]]) -> [StoreError?] {
        var outcomes: [StoreError?]
        do {
            outcomes = try database.writeWithoutTransaction { db in
                // Calls are hardly ever refused, so they are kept apart only once one was: a savepoint for each costs a
                // tenth of what is written.
                do { return try write(calls, apart: false, to: db) } catch  where Self.isOwnFault(error) {
                    return try write(calls, apart: true, to: db)
                }
            }
            // Once more after it: whoever hears of it shall find it.
            try files.check(Self.operation)
        } catch {
            // Of a full disk or a broken one, nothing is left of any call.
            outcomes = Array(repeating: StoreError(error, Self.operation, path: path), count: calls.count)
        }
        let written = zip(calls, outcomes).filter { $0.1 == nil }
        state.withLock { state in
            state.statistics.calls += written.count
            state.statistics.changes += written.reduce(0) { $0 + $1.0.count }
            state.statistics.commits += written.isEmpty ? 0 : 1
            state.statistics.failures += calls.count - written.count
        }
        return outcomes
    }

    private func write(_ calls: [[Change]], apart: Bool, to db: Database) throws -> [StoreError?] {
        var outcomes: [StoreError?] = []
        try db.inTransaction {
            for call in calls {
                if apart {
                    outcomes.append(try writeApart(call, to: db))
                } else {
                    try write(call, to: db)
                    outcomes.append(nil)
                }
            }
            // While nothing is kept yet, so that what is refused is not in the file either if that comes back.
            try files.check(Self.operation)
            return .commit
        }
        return outcomes
    }

    /// - Throws: What is no fault of this call and ends the whole transaction.
    private func writeApart(_ call: [Change], to db: Database) throws -> StoreError? {
        try db.cachedStatement(sql: "SAVEPOINT one_call").execute()
        do {
            try write(call, to: db)
            try db.cachedStatement(sql: "RELEASE one_call").execute()
            return nil
        } catch  where db.isInsideTransaction && Self.isOwnFault(error) {
            try db.cachedStatement(sql: "ROLLBACK TO one_call").execute()
            try db.cachedStatement(sql: "RELEASE one_call").execute()
            return StoreError(error, Self.operation, path: path)
        }
    }

    private func write(_ call: [Change], to db: Database) throws {
        var writer = ChangeWriter(db)
        try writer.write(call)
        // A call without changes asks whether the disk takes writes. An empty transaction would not touch it; this
        // writes the first page, as it is.
        if call.isEmpty { try db.cachedStatement(sql: "PRAGMA user_version = 0").execute() }
    }

    private static func isOwnFault(_ error: any Error) -> Bool {
        switch error {
        case is Violation, is UnreadableCell: true
        case let error as DatabaseError:
            [.SQLITE_CONSTRAINT, .SQLITE_TOOBIG, .SQLITE_MISMATCH].contains(error.resultCode)
        default: false
        }
    }

    private static let operation = "write changes"
}

// SPDX-License-Identifier: Apache-2.0
import GRDB
import Glibc

/// The daemon's durable queue: one SQLite file that one process writes.
///
/// A job's state changes only by a ``Change``. What ``append(_:)`` returned from is on the disk and survives the end of
/// the process and of the power; what it threw for has left nothing behind.
///
/// ```swift
/// let store = try JobStore(path: "/var/lib/jobs/jobs.db")
/// let id = try store.nextID()
/// try await store.append([.submitted(job, JobDocument(spec: yaml, context: json))])
/// ```
///
/// Reads are synchronous, wait behind the commit that is under way, and see all that was appended before. Where a thread
/// must not wait, ``offThread(_:)`` is for them.
package final class JobStore: Sendable {
    package let path: String
    let database: DatabaseQueue
    private let commits: GroupCommit

    /// Opens or creates the queue and brings its schema up to date.
    ///
    /// - Parameters:
    ///   - path: The file, or `:memory:` for one that ends with the store.
    ///   - patience: Seconds to wait for an administrator's `sqlite3` to end.
    package init(path: String, patience: Double = 5) throws(StoreError) {
        self.path = path
        do {
            database = try Self.open(path, patience: patience)
        } catch {
            throw StoreError(error, "open the queue", path: path)
        }
        commits = GroupCommit(database, OpenFiles(path), path: path)
    }

    /// Writes changes and returns once they are on the disk.
    ///
    /// Those of one call are written together or not at all, and calls keep their order. The end of the calling task
    /// takes nothing back. All calls that arrive while a commit is under way share the next one. A call without changes
    /// tells whether the disk takes writes.
    package func append(_ changes: [Change]) async throws(StoreError) {
        let error = await withCheckedContinuation { continuation in
            append(changes) { continuation.resume(returning: $0) }
        }
        if let error { throw error }
    }

    /// The same for a thread that must not wait.
    ///
    /// - Parameter completion: Called on a thread of the store's, in the order of the calls. It may read and append, but
    ///   the next commit waits for it, and it must not ``close()``. After `close` it is called at once.
    package func append(_ changes: [Change], completion: @escaping @Sendable (StoreError?) -> Void) {
        append(Batch([changes]) { errors in completion(errors[0]) })
    }

    /// Calls that share a commit, each of which is refused or written by itself.
    package struct Batch: Sendable {
        /// Changes of one call are written together or not at all.
        let calls: [[Change]]
        let completion: @Sendable ([StoreError?]) -> Void

        /// - Parameter completion: has one argument for each call: `nil` if it is on disk.
        package init(_ calls: [[Change]], completion: @escaping @Sendable ([StoreError?]) -> Void) {
            self.calls = calls
            self.completion = completion
        }
    }

    /// The same for several calls.
    package func append(_ batch: Batch) { commits.append(batch) }

    /// Waits for what is queued, moves the log into the main file and closes it. What comes later fails.
    package func close() {
        guard commits.close() else { return }
        // Best effort: what is still in the log then is read from there the next time.
        try? database.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
        try? database.close()
    }

    /// How much was written, and in how many transactions.
    package struct Statistics: Hashable, Sendable {
        package var calls = 0
        package var changes = 0
        package var commits = 0
        /// Calls that failed.
        package var failures = 0
    }

    package var statistics: Statistics { commits.statistics }
}

extension JobStore {
    private static func open(_ path: String, patience: Double) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "JobStore"
        configuration.busyMode = .timeout(patience)
        if path != ":memory:" {
            // Environments are in there. With O_EXCL, because closing a descriptor of a file gives up this process's
            // locks on it. An error is SQLite's to tell.
            let file = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            if file >= 0 { Glibc.close(file) }
        }
        configuration.prepareDatabase { db in
            // Nobody else may open the file, not even sqlite3 to look: two connections that write or checkpoint at the
            // same moment can lose a commit (SQLite's WAL-reset bug, 3.7.0 to 3.51.2). It spares the shared memory, too.
            try db.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
            // A log that a burst has grown is cut again.
            try db.execute(sql: "PRAGMA journal_size_limit = 16777216")
        }
        let database = try DatabaseQueue(path: path, configuration: configuration)
        // Before anything is written, the kind of the journal included.
        try database.unsafeRead { db in
            guard try Schema.isOurs(db) else { throw StoreError(.foreign, "open the queue", path: path) }
        }
        try database.writeWithoutTransaction { db in
            if path != ":memory:" { try db.execute(sql: "PRAGMA journal_mode = WAL") }
            // With NORMAL, a power cut would take the last commits.
            try db.execute(sql: "PRAGMA synchronous = FULL")
        }
        try migrate(database, path: path)
        return database
    }

    private static func migrate(_ database: DatabaseQueue, path: String) throws {
        let unknown = try database.unsafeRead { db in
            try Schema.migrator.appliedIdentifiers(db).subtracting(Schema.migrator.migrations)
        }
        guard unknown.isEmpty else { throw StoreError(.newerSchema(unknown.sorted()), "open the queue", path: path) }
        try Schema.migrator.migrate(database)
    }
}

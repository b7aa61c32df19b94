// SPDX-License-Identifier: Apache-2.0
import Dispatch
import GRDB
import JobModel

extension JobStore {
    /// The id of the next job: higher than every one before, also of jobs that are gone.
    package func nextID() throws(StoreError) -> Int {
        try read("read the next id") { db in try ChangeWriter.nextID(db) }
    }

    /// Hands over the jobs that are not in a final state, in the order of their ids, without holding them all.
    ///
    /// - Parameter body: Must not use the store.
    package func live(_ body: (StoredJob) throws -> Void) throws(StoreError) {
        try read("read the live jobs") { db in
            // Where the moment of the end is damaged, nobody knows that the job has ended.
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT \(StoredJob.columns) FROM jobs
                    WHERE ended_usec IS NULL OR typeof(ended_usec) <> 'integer' ORDER BY id
                    """)
            while let row = try rows.next() { try body(StoredJob(row)) }
        }
    }

    package func job(_ id: Int) throws(StoreError) -> StoredJob? {
        try read("read job \(id)") { db in try Self.job(id, in: db) }
    }

    /// The texts of a job. They may hold secrets.
    package func document(of id: Int) throws(StoreError) -> JobDocument? {
        try read("read the document of job \(id)") { db in try Self.document(of: id, in: db) }
    }

    /// Several jobs with their texts, in one go; those that are not there or damaged are left out.
    package func jobsWithDocuments(_ ids: [Int]) throws(StoreError) -> [(job: StoredJob, document: JobDocument)] {
        try read("read the jobs \(ids)") { db in
            try ids.compactMap { id in
                do {
                    guard let job = try Self.job(id, in: db), let document = try Self.document(of: id, in: db) else {
                        return nil
                    }
                    return (job, document)
                } catch is UnreadableCell { return nil }
            }
        }
    }

    private static func job(_ id: Int, in db: Database) throws -> StoredJob? {
        let select = try db.cachedStatement(sql: "SELECT \(StoredJob.columns) FROM jobs WHERE id = ?")
        return try Row.fetchOne(select, arguments: [id]).map { StoredJob($0) }
    }

    private static func document(of id: Int, in db: Database) throws -> JobDocument? {
        let select = try db.cachedStatement(
            sql: "SELECT \(JobDocument.columns) FROM documents WHERE id = (SELECT document_id FROM jobs WHERE id = ?)")
        return try Row.fetchOne(select, arguments: [id]).map { try JobDocument($0) }
    }

    package func jobs(matching query: JobQuery) throws(StoreError) -> [StoredJob] {
        try read("read jobs") { db in try query.fetch(db) }
    }

    /// The attempts of a job, the first one first.
    ///
    /// - Parameter newest: no more than so many, the last ones.
    package func attempts(of id: Int, newest: Int = .max) throws(StoreError) -> [StoredAttempt] {
        try read("read the attempts of job \(id)") { db in
            let select = try db.cachedStatement(
                sql: "SELECT \(StoredAttempt.columns) FROM attempts WHERE job_id = ? ORDER BY number DESC LIMIT ?")
            return try Row.fetchAll(select, arguments: [id, newest]).reversed().map { try StoredAttempt($0) }
        }
    }

    /// What happened to a job, the first thing first.
    ///
    /// - Parameters:
    ///   - after: the ``HistoryEntry/sequence`` of the last entry of the page before.
    ///   - limit: no more than so many.
    package func history(
        of id: Int, after: Int = 0, limit: Int = .max
    ) throws(StoreError) -> [HistoryEntry] {
        try read("read the history of job \(id)") { db in
            let select = try db.cachedStatement(
                sql: "SELECT \(HistoryEntry.columns) FROM changes WHERE job_id = ? AND seq > ? ORDER BY seq LIMIT ?")
            return try Row.fetchAll(select, arguments: [id, after, limit]).map { try HistoryEntry($0) }
        }
    }

    /// The final state of a job; `nil` if it lives, or if there is none of that id.
    package func outcome(of id: Int) throws(StoreError) -> JobState? {
        try read("read the outcome of job \(id)") { db in
            let select = try db.cachedStatement(sql: "SELECT state FROM jobs WHERE id = ? AND ended_usec IS NOT NULL")
            guard let row = try Row.fetchOne(select, arguments: [id]) else { return nil }
            var cells = Cells(row, of: "jobs", ["state"])
            let state: JobState? = cells.needed(0) { $0.word(0) }
            try cells.check()
            return state
        }
    }

    /// Whether a job of these ids has ended, and one that did not complete. A few steps in an index, however many there are.
    package func endings(in ids: ClosedRange<Int>) throws(StoreError) -> (
        isAny: Bool, uncompleted: (job: Int, state: JobState)?
    ) {
        try read("read how the jobs \(ids) ended") { db in
            let select = try db.cachedStatement(sql: "SELECT min(id) FROM jobs WHERE state = ? AND id BETWEEN ? AND ?")
            var isAny = false
            for state in JobState.final.reversed() {
                let job = try Int.fetchOne(select, arguments: [state.rawValue, ids.lowerBound, ids.upperBound])
                guard let job else { continue }
                if state != .completed { return (true, (job, state)) }
                isAny = true
            }
            return (isAny, nil)
        }
    }

    /// Finished jobs to be removed, the longest ended first. A job that a live one depends on is not among them.
    ///
    /// - Parameter limit: No more than these at once, so that their removal holds up nobody for long.
    package func expired(_ retention: Retention, limit: Int = 1000) throws(StoreError) -> [ExpiredJob] {
        try read("look for expired jobs") { db in try retention.expired(db, limit: limit) }
    }

    /// How much of finished jobs there is.
    package func kept() throws(StoreError) -> Kept {
        try read("count finished jobs") { db in
            // sum() fails where total() rounds, and what a damaged cell says is not to stop the others.
            let sql = """
                SELECT count(*), CAST(min(total(output_bytes + text_bytes), \(ByteCount.largest.bytes)) AS INTEGER),
                    min(ended_usec) FROM jobs WHERE ended_usec IS NOT NULL
                """
            guard let row = try Row.fetchOne(db, sql: sql) else { return Kept(jobs: 0, bytes: 0) }
            var cells = Cells(row, of: "jobs", ["count", "bytes", "ended_usec"])
            return Kept(jobs: cells.number(0) ?? 0, bytes: cells.number(1) ?? 0, firstEnd: cells.moment(2))
        }
    }

    // One after the other, as the only connection takes them anyway; not the shared pool, see CLanes.h.
    private static let reads = DispatchQueue(label: "JobStore.reads")
    private static let chores = DispatchQueue(label: "JobStore.chores")

    /// Reads on a thread that may wait, so that neither an event loop nor Swift's own threads do.
    ///
    /// ```swift
    /// let jobs = try await store.offThread { store throws(StoreError) in try store.jobs(matching: query) }
    /// ```
    ///
    /// - Parameter asChore: behind nobody who waits for an answer, and in nobody's way.
    package func offThread<Value: Sendable>(
        asChore: Bool = false,
        _ body: @escaping @Sendable (JobStore) throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            (asChore ? Self.chores : Self.reads).async {
                continuation.resume(returning: Result { () throws(StoreError) in try body(self) })
            }
        }
        return try result.get()
    }

    /// Without a transaction, which costs two more statements: no write can come between on the only connection.
    func read<Value>(
        _ operation: @autoclosure () -> String, _ body: (Database) throws -> Value
    ) throws(StoreError) -> Value {
        do {
            return try database.unsafeRead(body)
        } catch {
            throw StoreError(error, operation(), path: path)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import Glibc
import JobModel
import Testing

@testable import JobStore

/// A cell of the wrong type is a value: it is told, its job is held, and every other job is as before.
@Suite struct DamageTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// A value of each storage class, and numbers that no column may have.
    private static let values = [
        "NULL", "'x'", "1.5", "x'00ff'", "-1", "9223372036854775807", "-9223372036854775808", "''",
    ]

    /// Job 1 has been through everything, job 2 runs, job 3 waits for it; job 9 is the neighbour that must not suffer.
    private func makeQueue() async throws {
        let store = try JobStore(path: directory.database)
        var third = job(3)
        third.array = .init(id: 3, index: 0, parallel: 1)
        third.dependency = Dependency([[.init(.ok, .id(2))]])
        third.begin = moment(5)
        third.memoryRequestBytes = 1
        third.memoryLimitBytes = 1
        third.cpusRequest = CPUCount(milli: 10)
        third.wallTimeLimitUsec = 1
        try await store.append([.submitted(job(1), document), start(1), end(1, outputBytes: 10)])
        try await store.append([.submitted(job(2), document), start(2), .submitted(third, document)])
        try await store.append([.submitted(job(9, name: "neighbour", uid: 7), JobDocument(spec: "a", context: "b"))])
        store.close()
        // As a disk would damage them: nothing in the schema holds a cell to its type any more.
        let file = try DatabaseQueue(path: directory.database)
        try await file.writeWithoutTransaction { db in
            try db.execute(
                sql: """
                    DROP TRIGGER changes_stay_as_they_are;
                    PRAGMA writable_schema = ON;
                    UPDATE sqlite_master SET sql = replace(replace(replace(sql, 'NOT NULL', ''),
                        'CHECK (owner_uid BETWEEN 0 AND 4294967295)', ''),
                        'CHECK (owner_gid BETWEEN 0 AND 4294967295)', '')
                    WHERE type = 'table' AND name IN ('jobs', 'attempts', 'changes', 'documents');
                    UPDATE sqlite_master SET sql = replace(sql, ' TEXT', ' BLOB')
                    WHERE type = 'table' AND name IN ('jobs', 'attempts', 'changes', 'documents');
                    """)
        }
        try file.close()
    }

    /// Every query that there is. What one of them throws says which cell; none of them traps.
    private func readEverything(_ store: JobStore) throws {
        func tolerant(_ read: () throws -> Void) throws {
            do { try read() } catch let error as StoreError {
                #expect(error.problem == .damagedRow, "\(error)")
                #expect(error.detail?.contains(".") == true)
            }
        }
        try tolerant { _ = try store.nextID() }
        for id in [1, 2, 3] {
            try tolerant { _ = try store.job(id) }
            try tolerant { _ = try store.document(of: id) }
            try tolerant { _ = try store.attempts(of: id) }
            try tolerant { _ = try store.history(of: id) }
            try tolerant { _ = try store.outcome(of: id) }
        }
        try tolerant { _ = try store.jobsWithDocuments([1, 2, 3]) }
        for word in ["sim", "3", "1-3", "3[1]"] {
            try tolerant { _ = try store.ids(of: JobReference(word), owner: 1000) }
        }
        _ = try store.live()
        _ = try store.liveCounts()
        _ = try store.counts()
        _ = try store.arrayTotals([3])
        _ = try store.ended(since: moment(0))
        _ = try store.kept()
        for order in [JobQuery.Order.newestFirst, .oldestFirst, .startFirst] {
            var query = JobQuery()
            query.order = order
            #expect(try store.jobs(matching: query).map(\.id).sorted() == [1, 2, 3, 9])
        }
        for retention in [Retention(endedBefore: moment(9999)), Retention(keep: 0), Retention(keepBytes: 0)] {
            _ = try store.expired(retention)
        }
    }

    @Test func aCellOfAnyWrongTypeDamagesItsJobAlone() async throws {
        try await makeQueue()
        let tables = ["jobs", "attempts", "changes", "documents", "sqlite_sequence"]
        let original = try JobStore(path: directory.database)
        let cells = try await original.database.unsafeRead { db in
            try tables.flatMap { table in
                try String.fetchAll(db, sql: "SELECT name FROM pragma_table_info('\(table)')").map { (table, $0) }
            }
        }
        let healthy = try (original.job(9), original.document(of: 9), original.history(of: 9))
        original.close()
        #expect(cells.count > 60)
        let whole = try DatabaseQueue(path: directory.database)
        defer { try? whole.close() }
        var flips = 0
        for (table, column) in cells {
            for value in Self.values {
                let store = try JobStore(path: ":memory:")
                defer { store.close() }
                try whole.backup(to: store.database)
                // The neighbour's rows stay.
                let others = ["jobs": "id <> 9", "attempts": "1", "changes": "job_id <> 9", "documents": "spec <> 'a'"]
                // Keys keep their type, whatever one writes.
                guard
                    (try? store.execute(
                        "PRAGMA foreign_keys = OFF; UPDATE \(table) SET \(column) = \(value) WHERE \(others[table] ?? "name = 'jobs'")"
                    )) != nil
                else { continue }
                // An id that others have is no wrong type.
                guard column != "id", column != "seq" || table == "sqlite_sequence" else { continue }
                flips += 1
                try readEverything(store)
                let found = try (store.job(9), store.document(of: 9), store.history(of: 9))
                #expect(found == healthy, "\(table).\(column) = \(value)")
                // A damaged job neither waits nor is free to start again.
                for job in try store.live() where job.damage != nil {
                    #expect(job.state == .held || job.state == .running, "\(table).\(column) = \(value): \(job)")
                    #expect(job.damage?.contains("jobs.") == true)
                }
                #expect(try store.live().allSatisfy { !$0.state.isFinal }, "\(table).\(column) = \(value)")
                // It may be cancelled, and the neighbour goes on.
                _ = await failure(of: [change(3, .cancelled)], in: store)
                _ = await failure(of: [end(2)], in: store)
                #expect(await failure(of: [start(9)], in: store) == nil, "\(table).\(column) = \(value)")
            }
        }
        #expect(flips > 400)
    }

    @Test func aDamagedJobIsHeldWithTheCellAndCanBeCancelled() async throws {
        let store = try JobStore(path: ":memory:")
        try await store.append(submit([1, 2]))
        try store.execute("UPDATE jobs SET priority = 'high' WHERE id = 1")
        let damaged = try #require(try store.job(1))
        #expect(damaged.state == .held && damaged.name == "sim")
        #expect(damaged.reason == "its row in the store is damaged: jobs.priority is a text in place of a number")
        #expect(try store.job(2)?.damage == nil)
        try await store.append([change(1, .cancelled, .cancelled, "cancelled by pi")])
        #expect(try store.job(1)?.state == .cancelled)
    }

    /// An end without its moment would be a job that waits for its next start.
    @Test func cellsThatContradictEachOtherAreDamage() async throws {
        let store = try JobStore(path: ":memory:")
        try await store.append(submit([1, 2]) + [start(1), end(1)])
        try store.execute("UPDATE jobs SET ended_usec = NULL WHERE id = 1")
        try store.execute("UPDATE jobs SET state = 'running' WHERE id = 2")
        #expect(try store.job(1)?.damage?.contains("jobs.ended_usec is NULL although the job is completed") == true)
        #expect(try store.job(2)?.damage?.contains("jobs.attempt is 0 although the job is running") == true)
        #expect(try store.live().map(\.state) == [.held, .held])
    }

    @Test func secretsOfADamagedDocumentStaySecret() async throws {
        let store = try JobStore(path: ":memory:")
        try await store.append(submit([1]))
        try store.execute("UPDATE documents SET context = CAST('s3cret' AS BLOB)")
        let error = try #require(throws: StoreError.self) { try store.document(of: 1) }
        #expect(error.problem == .damagedRow)
        #expect(error.description.contains("documents.context is a blob in place of a text"))
        #expect(!error.description.contains("s3cret"))
    }

    // MARK: The file itself

    @Test func aFileThatIsMovedOrReplacedIsNoticedBeforeTheAnswer() async throws {
        for suffix in ["", "-wal"] {
            let directory = try TemporaryDirectory()
            let store = try JobStore(path: directory.database)
            defer { store.close() }
            try await store.append(submit([1]))
            let path = directory.database + suffix
            #expect(rename(path, path + ".away") == 0)
            let moved = await failure(of: submit([2]), in: store)
            #expect(moved?.problem == .replaced && moved?.detail == path, "\(moved?.description ?? "no error")")
            #expect(moved?.description.contains("move the file back, or restart jobsd") == true)
            try "another".write(toFile: path, atomically: false, encoding: .utf8)
            #expect(await failure(of: submit([2]), in: store)?.problem == .replaced)
            // What was refused has not happened, also when the file comes back.
            #expect(rename(path + ".away", path) == 0)
            #expect(try store.job(2) == nil)
            try await store.append(submit([2]))
        }
    }

    @Test func anotherProgramsDatabaseIsRefusedAndLeftAlone() throws {
        for sql in [
            "CREATE TABLE moz_places (id INTEGER PRIMARY KEY)", "PRAGMA application_id = 252006",
            "CREATE TABLE grdb_migrations (identifier TEXT); INSERT INTO grdb_migrations VALUES ('createPlayer')",
        ] {
            let directory = try TemporaryDirectory()
            let other = try DatabaseQueue(path: directory.database)
            try other.writeWithoutTransaction { db in try db.execute(sql: sql) }
            try other.close()
            let before = try Data(contentsOf: URL(filePath: directory.database))
            let error = try #require(throws: StoreError.self) { try JobStore(path: directory.database) }
            #expect(error.problem == .foreign)
            #expect(error.description.contains("the database of another program"))
            #expect(try Data(contentsOf: URL(filePath: directory.database)) == before)
        }
    }
}

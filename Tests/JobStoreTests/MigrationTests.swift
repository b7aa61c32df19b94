// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import JobModel
import Testing

@testable import JobStore

@Suite struct MigrationTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// Runs SQL on the file as a tool would, without our store.
    private func execute(_ sql: String) throws {
        let queue = try DatabaseQueue(path: directory.database)
        try queue.writeWithoutTransaction { db in try db.execute(sql: sql) }
        try queue.close()
    }

    private func schema(_ database: DatabaseQueue) throws -> [String] {
        try database.unsafeRead { db in
            try String.fetchAll(
                db, sql: "SELECT type || ' ' || name || ': ' || coalesce(sql, '') FROM sqlite_master ORDER BY 1")
        }
    }

    @Test(arguments: SchemaFixtures.all.map(\.version)) func anOlderFileIsBroughtUpToDate(version: String) async throws
    {
        let fixture = try #require(SchemaFixtures.all.first { $0.version == version })
        try execute(fixture.sql)
        let store = try JobStore(path: directory.database)
        defer { store.close() }
        #expect(try store.nextID() == 10)
        let done = try #require(try store.job(3))
        #expect(done.state == .completed)
        #expect(done.exit == .init(code: 0))
        #expect(done.figures.memoryPeakBytes == 4096)
        let held = try #require(try store.job(4))
        #expect(held.array == .init(id: 4, index: 0, parallel: 2))
        #expect(
            held.dependency
                == Dependency([
                    [.init(.ok, .id(3)), .init(.any, .id(2))], [.init(.failed, .id(1))],
                ]))
        #expect(held.cpusRequest == CPUCount(milli: 1500))
        #expect(try store.live() == [held])
        #expect(try store.attempts(of: 3).map(\.verdict?.message) == ["Completed."])
        #expect(try store.history(of: 3).map(\.state) == [.pending, .running, .completed])
        #expect(try store.document(of: 4)?.context == "{\"directory\": \"/srv\"}")
        // And it goes on.
        try await store.append([change(4, .pending), start(4)] + submit([10]))

        // Afterwards it is as if it had been made by this version.
        #expect(try schema(store.database) == schema(JobStore(path: ":memory:").database))
    }

    /// A released migration that was edited would make files differ by their age.
    @Test(arguments: SchemaFixtures.all.map(\.version)) func releasedMigrationsStayAsTheyWere(version: String) throws {
        let fixture = try #require(SchemaFixtures.all.first { $0.version == version })
        let old = try DatabaseQueue()
        try old.writeWithoutTransaction { db in try db.execute(sql: fixture.sql) }
        let now = try DatabaseQueue()
        try Schema.migrator.migrate(now, upTo: version)
        #expect(try schema(old) == schema(now))
    }

    @Test func everyOlderVersionHasItsFixture() {
        #expect(SchemaFixtures.all.map(\.version) == Schema.migrator.migrations.dropLast())
    }

    @Test func aNewerFileIsRefusedAndLeftAlone() async throws {
        let store = try JobStore(path: directory.database)
        try await store.append(submit([1]))
        store.close()
        try execute("INSERT INTO grdb_migrations VALUES ('v9-future'); DROP INDEX jobs_by_state;")
        let error = try #require(throws: StoreError.self) { try JobStore(path: directory.database) }
        #expect(error.problem == .newerSchema(["v9-future"]))
        #expect(error.description.contains("a newer version of jobs has written it"))
        #expect(error.description.contains("install the newer jobs again"))
        // Even a migration of ours that it lacks was not run.
        try execute(
            "DELETE FROM grdb_migrations WHERE identifier = 'v9-future'; CREATE INDEX jobs_by_state ON jobs(state);")
        let reopened = try JobStore(path: directory.database)
        defer { reopened.close() }
        #expect(try reopened.job(1) == job(1))
    }

    @Test func openingTwiceChangesNothing() throws {
        try JobStore(path: directory.database).close()
        let store = try JobStore(path: directory.database)
        defer { store.close() }
        #expect(try store.database.unsafeRead(Schema.migrator.appliedMigrations) == Schema.migrator.migrations)
    }

    /// docs/store.md, table by table and column by column.
    @Test func theDocumentationNamesEverything() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: root.appending(path: "docs/store.md"), encoding: .utf8)
        let database = try JobStore(path: ":memory:").database
        let tables = try database.unsafeRead { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT m.name AS "table", c.name AS "column" FROM sqlite_master m, pragma_table_info(m.name) c
                    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name != 'grdb_migrations'
                    """
            ).map { (table: $0[0] as String, column: $0[1] as String) }
        }
        #expect(tables.count > 50)
        for (table, column) in tables {
            let section = try #require(page.components(separatedBy: "\n## ").first { $0.hasPrefix(table + "\n") })
            #expect(section.contains("`\(column)`"), "\(table).\(column)")
        }
        for name in Schema.migrator.migrations { #expect(page.contains("`\(name)`")) }
    }
}

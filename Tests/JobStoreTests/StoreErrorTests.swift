// SPDX-License-Identifier: Apache-2.0
import Foundation
import JobModel
import Testing

@testable import JobStore

@Suite struct StoreErrorTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func openingError(_ path: String) throws -> StoreError {
        try #require(throws: StoreError.self) { try JobStore(path: path, patience: 0).close() }
    }

    @Test func garbageIsNoDatabase() throws {
        let garbage = Data(repeating: 0x41, count: 8192)
        try garbage.write(to: URL(fileURLWithPath: directory.database))
        let error = try openingError(directory.database)
        #expect(error.problem == .corrupt)
        #expect(error.sqlite?.code == 26)
        #expect(error.description.contains("cannot open the queue in \(directory.database)"))
        #expect(error.description.contains("restore a backup"))
        // It is left as it was.
        #expect(try Data(contentsOf: URL(fileURLWithPath: directory.database)) == garbage)
    }

    @Test func damagedPages() async throws {
        let store = try JobStore(path: directory.database)
        try await store.append(submit(1...500))
        store.close()
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: directory.database))
        let end = try file.seekToEnd()
        // All but the schema and the first page of each table and index.
        let intact: UInt64 = 32 * 4096
        try file.seek(toOffset: intact)
        try file.write(contentsOf: Data(repeating: 0x5a, count: Int(end - intact)))
        try file.close()
        let reopened = try JobStore(path: directory.database)
        defer { reopened.close() }
        let error = #expect(throws: StoreError.self) { try reopened.live { _ in } }
        #expect(error?.problem == .corrupt)
        #expect(error?.operation == "read the live jobs")
    }

    @Test func wordsThatNoVersionWrites() async throws {
        let store = try JobStore(path: ":memory:")
        try await store.append(submit([1]))
        try store.execute("UPDATE jobs SET state = 'sleeping'")
        let job = try #require(try store.job(1))
        #expect(job.state == .held && job.reason?.contains("jobs.state has the value 'sleeping'") == true)
        #expect(await failure(of: [start(1)], in: store)?.problem == .refused(.impossible(job: 1, .started, in: .held)))
    }

    @Test func aPathThroughAFile() throws {
        try Data().write(to: URL(fileURLWithPath: directory.path + "/file"))
        let error = try openingError(directory.path + "/file/jobs.db")
        #expect(error.problem == .cannotOpen)
        #expect(error.sqlite?.code == 14)
        #expect(error.remedy.contains(directory.path + "/file is a directory"))
    }

    @Test func anotherProcessHasIt() throws {
        let store = try JobStore(path: directory.database)
        let error = try openingError(directory.database)
        #expect(error.problem == .inUse)
        store.close()
        try JobStore(path: directory.database, patience: 0).close()
    }

    @Test func aFullDiskLeavesNothingHalfWritten() async throws {
        let store = try JobStore(path: directory.database)
        defer { store.close() }
        try await store.append(submit([1]))
        let pages = try #require(try store.text("PRAGMA page_count"))
        try store.execute("PRAGMA max_page_count = \(pages)")
        let large = JobDocument(spec: String(repeating: "x", count: 1 << 20), context: "s3cret")
        // The small neighbour shares the transaction and its end.
        let outcomes = await store.appendTogether([[start(1)], [.submitted(job(2), large)]])
        #expect(outcomes.map(\.?.problem) == [.diskFull, .diskFull])
        #expect(outcomes[1]?.sqlite?.code == 13)
        #expect(outcomes[1]?.description.contains("free space") == true)
        #expect(outcomes[1]?.description.contains("s3cret") == false)
        #expect(try store.job(1) == job(1))
        #expect(try store.attempts(of: 1).isEmpty)
        #expect(try store.nextID() == 2)
        #expect(store.statistics.failures == 2)

        try store.execute("PRAGMA max_page_count = 1000000")
        try await store.append([start(1), .submitted(job(2), large)])
        #expect(try store.document(of: 2) == large)
    }

    @Test func aReadOnlyFile() async throws {
        let store = try JobStore(path: directory.database)
        defer { store.close() }
        try store.execute("PRAGMA query_only = 1")
        let error = await failure(of: submit([1]), in: store)
        #expect(error?.problem == .readOnly)
        #expect(error?.sqlite?.code == 8)
        try store.execute("PRAGMA query_only = 0")
        try await store.append(submit([1]))
    }

    @Test func refusalsSayWhatIs() async throws {
        let store = try JobStore(path: ":memory:")
        try await store.append(submit([1]))
        let error = await failure(of: [end(1)], in: store)
        #expect(error?.description.contains("job 1 is pending and cannot end an attempt as completed") == true)
        #expect(error?.sqlite == nil)
    }
}

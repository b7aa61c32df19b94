// SPDX-License-Identifier: Apache-2.0
import GRDB
import JobModel
import Testing

@testable import JobStore

@Suite struct HistoryTests {
    private let store: JobStore

    init() throws { store = try JobStore(path: ":memory:") }

    @Test func everyChangeOfStateIsALine() async throws {
        try await store.append(submit([1, 2]))
        try await store.append([change(1, .held, nil, "by pi", at: 10), change(1, .pending, at: 20)])
        try await store.append([
            start(1, at: 30), end(1, 1, .failed, at: 40), change(1, .pending, nil, "again", at: 40),
        ])
        let lines = try store.history(of: 1)
        #expect(lines.map(\.state) == [.pending, .held, .pending, .running, .failed, .pending])
        #expect(lines.map(\.at) == [1, 10, 20, 30, 40, 40].map(moment))
        #expect(lines.map(\.attempt) == [nil, nil, nil, 1, 1, nil])
        #expect(lines.map(\.cause) == [nil, nil, nil, nil, .exitStatus, nil])
        #expect(lines.map(\.detail) == [nil, "by pi", nil, nil, "It ended as failed.", "again"])
        #expect(lines.map(\.sequence) == lines.map(\.sequence).sorted())
        // The job is where its history ends.
        #expect(try store.job(1)?.state == lines.last?.state)
        #expect(try store.history(of: 2).count == 1)
    }

    @Test(arguments: ["UPDATE changes SET detail = 'forged'", "DELETE FROM changes WHERE job_id = 1"])
    func itIsAppendOnly(sql: String) async throws {
        try await store.append(submit([1]))
        let before = try store.history(of: 1)
        let error = #expect(throws: DatabaseError.self) { try store.execute(sql) }
        #expect(error?.message == "the history is append-only")
        #expect(try store.history(of: 1) == before)
    }
}

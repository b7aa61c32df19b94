// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

@testable import JobStore

@Suite struct SubmissionKeyTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func keyed(_ text: String, job: Int, uid: UInt32 = 1000, at seconds: Int = 1000) -> Change {
        .keyed(
            KeyedSubmission(
                key: .init(owner: uid, text: text), fingerprint: -7, job: job, answer: "{\"id\":\(job)}",
                at: moment(seconds)))
    }

    private func answer(_ store: JobStore, _ text: String, uid: UInt32 = 1000, at seconds: Int = 1000) throws -> String?
    {
        try store.answer(to: .init(owner: uid, text: text), at: moment(seconds))?.text
    }

    @Test func `an answer is kept with its jobs, through a restart and beyond the jobs`() async throws {
        var store = try JobStore(path: directory.database)
        try await store.append(submit([1, 2]) + [keyed("a", job: 1)])
        store.close()
        store = try JobStore(path: directory.database)
        defer { store.close() }
        let found = try #require(try store.answer(to: .init(owner: 1000, text: "a"), at: moment(1000)))
        #expect(found.text == "{\"id\":1}" && found.fingerprint == -7)
        #expect(try answer(store, "b") == nil)
        #expect(try answer(store, "a", uid: 1001) == nil)
        try await store.append([start(1), end(1), .removed(job: 1)])
        #expect(try answer(store, "a") == "{\"id\":1}")
    }

    @Test func `what was refused has no key, and a key that is there refuses the jobs of another`() async throws {
        let store = try JobStore(path: directory.database)
        defer { store.close() }
        #expect(await failure(of: [keyed("a", job: 1)] + submit([1, 1]), in: store) != nil)
        #expect(try answer(store, "a") == nil)
        try await store.append(submit([1]) + [keyed("a", job: 1)])
        #expect(await failure(of: submit([2]) + [keyed("a", job: 2)], in: store) != nil)
        #expect(try store.job(2) == nil)
        #expect(try answer(store, "a") == "{\"id\":1}")
    }

    @Test func `after a day a key is forgotten, and can be used again`() async throws {
        let store = try JobStore(path: directory.database)
        defer { store.close() }
        try await store.append(submit([1]) + [keyed("a", job: 1, at: 1000)])
        #expect(try answer(store, "a", at: 87_400) == "{\"id\":1}")
        #expect(try answer(store, "a", at: 87_401) == nil)
        try await store.append(submit([2]) + [keyed("a", job: 2, at: 87_401)])
        #expect(try answer(store, "a", at: 87_401) == "{\"id\":2}")
        #expect(try store.text("SELECT count(*) FROM submission_keys") == "1")
    }

    @Test func `a user has the newest keys, whatever others do`() async throws {
        let store = try JobStore(path: directory.database)
        defer { store.close() }
        try await store.append([keyed("mine", job: 1, uid: 7)])
        let most = KeyedSubmission.most
        try await store.append((1...most + 2).map { keyed("k\($0)", job: $0) })
        #expect(try store.text("SELECT count(*) FROM submission_keys WHERE owner_uid = 1000") == "\(most)")
        #expect(try answer(store, "k2") == nil)
        #expect(try answer(store, "k3") != nil && answer(store, "k\(most + 2)") != nil)
        #expect(try answer(store, "mine", uid: 7) != nil)
    }

    @Test func `a damaged answer is told, and not taken for none`() async throws {
        let store = try JobStore(path: directory.database)
        defer { store.close() }
        try await store.append(submit([1]) + [keyed("a", job: 1)])
        try store.execute("UPDATE submission_keys SET answer = x'00'")
        let error = #expect(throws: StoreError.self) { try answer(store, "a") }
        #expect(error?.problem == .damagedRow)
        // A number that cannot grow ends nothing.
        try store.execute("UPDATE submission_keys SET number = 9223372036854775807")
        try await store.append(submit([2]) + [keyed("b", job: 2)])
        #expect(try answer(store, "b") != nil)
    }
}

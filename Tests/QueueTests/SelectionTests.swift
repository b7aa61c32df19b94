// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import Queue
import Testing

@Suite struct SelectionTests {
    @Test func `a name selects one's own jobs, and others' if there is none`() async throws {
        let store = try await store([pending(1, uid: 2), pending(2), pending(3, name: "theirs", uid: 2)])
        #expect(try Selection("sim", for: ada, in: store).ids == [2...2])
        #expect(try Selection("theirs", for: ada, in: store).ids == [3...3])
        #expect(try Selection("nobody's", for: ada, in: store).ids.isEmpty)
    }

    @Test func `of several jobs those are read that a verb is for, of a single one the job itself`() async throws {
        let store = try await store([pending(1), pending(2)])
        let range = try await Selection.of(["1-2"], for: .release, by: ada, in: store)
        #expect(range.count == 1 && !range[0].isSingle && range[0].jobs.isEmpty)
        let single = try await Selection.of(["2", "7"], for: .release, by: ada, in: store)
        #expect(single[0].isSingle && single[0].jobs.map(\.id) == [2])
        #expect(single[1].ids.isEmpty)
    }

    @Test func `too many words are refused before anything is read`() async throws {
        let store = try await store([])
        let words = Array(repeating: "1", count: Selection.mostWords + 1)
        await #expect(throws: QueueError.tooManyWords(most: Selection.mostWords)) {
            try await Selection.of(words, for: .cancel, by: ada, in: store)
        }
    }
}

@Suite struct ResolvedDependencyTests {
    private func resolve(_ terms: [Dependency.Term], in jobs: [StoredJob]) async throws -> Dependency {
        try await Dependency([terms]).resolved(for: ada.uid, in: store(jobs))
    }

    @Test func `a name becomes the ids that it means now`() async throws {
        let resolved = try await resolve([.init(.ok, .name("sim"))], in: [pending(1), pending(2, uid: 2), pending(3)])
        #expect(resolved.alternatives == [[.init(.ok, .id(1)), .init(.ok, .id(3))]])
    }

    @Test func `for the first that fails, each job is an alternative`() async throws {
        let resolved = try await resolve([.init(.failed, .name("sim"))], in: [pending(1), pending(3)])
        #expect(resolved.alternatives == [[.init(.failed, .id(1))], [.init(.failed, .id(3))]])
    }

    @Test func `ranges end with the last job that there is, and are of a bounded size`() async throws {
        let resolved = try await resolve([.init(.any, .range(1, 50))], in: [pending(1), pending(3)])
        #expect(resolved.alternatives == [[.init(.any, .range(1, 3))]])
    }

    @Test func `what does not exist is refused, and so are too many terms`() async throws {
        await #expect(throws: QueueError.dependencyUnknown(.id(9))) {
            try await resolve([.init(.ok, .id(9))], in: [pending(1)])
        }
        await #expect(throws: QueueError.dependencyUnknown(.name("theirs"))) {
            try await resolve([.init(.ok, .name("theirs"))], in: [pending(1, name: "theirs", uid: 2)])
        }
        // Three words of thirty jobs each: 27,000 alternatives of three terms.
        let jobs = (1...90).map { pending($0, name: "abc".map(String.init)[$0 % 3]) }
        await #expect(throws: QueueError.tooManyTerms(most: 20_000)) {
            try await resolve(["a", "b", "c"].map { .init(.failed, .name($0)) }, in: jobs)
        }
    }
}

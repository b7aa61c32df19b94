// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

@testable import JobStore

@Suite struct RetentionTests {
    private let store: JobStore

    /// Jobs 1 to 5 ended in the order 5, 4, 3, 2, 1 at seconds 10 to 50; 6 lives.
    init() async throws {
        store = try JobStore(path: ":memory:")
        try await store.append(submit(1...6))
        for (index, id) in [5, 4, 3, 2, 1].enumerated() {
            try await store.append([start(id), end(id, at: (index + 1) * 10)])
        }
    }

    @Test func byAge() throws {
        #expect(try store.expired(Retention(endedBefore: moment(30))) == [5, 4])
        #expect(try store.expired(Retention(endedBefore: moment(10))) == [])
        #expect(try store.expired(Retention(endedBefore: moment(99))) == [5, 4, 3, 2, 1])
    }

    @Test func byCount() throws {
        #expect(try store.expired(Retention(keep: 2)) == [5, 4, 3])
        #expect(try store.expired(Retention(keep: 0)) == [5, 4, 3, 2, 1])
        #expect(try store.expired(Retention(keep: 5)) == [])
    }

    @Test func whicheverRemovesMore() throws {
        #expect(try store.expired(Retention(endedBefore: moment(20), keep: 2)) == [5, 4, 3])
        #expect(try store.expired(Retention(endedBefore: moment(50), keep: 4)) == [5, 4, 3, 2])
        #expect(try store.expired(Retention()) == [])
        #expect(try store.expired(Retention(keep: 0), limit: 2) == [5, 4])
    }

    /// Jobs cancelled together end at the same microsecond.
    @Test func countsExactlyAmongThoseThatEndedTogether() async throws {
        try await store.append(submit(7...12))
        try await store.append((7...12).map { change($0, .cancelled, at: 60) })
        #expect(try store.expired(Retention(keep: 4)) == [5, 4, 3, 2, 1, 7, 8])
    }

    @Test func whatALiveJobAsksAboutStays() async throws {
        var waiting = job(7)
        waiting.dependency = Dependency([[.init(.ok, .id(4))], [.init(.failed, .id(2))]])
        try await store.append([.submitted(waiting, document)])
        #expect(try store.expired(Retention(keep: 0)) == [5, 3, 1])
        try await store.append([change(7, .cancelled)])
        #expect(try store.expired(Retention(keep: 1)) == [5, 4, 3, 2, 1])
    }

    @Test func whatRunsAgainDoesNotExpire() async throws {
        try await store.append([change(5, .pending)])
        #expect(try store.expired(Retention(keep: 0)) == [4, 3, 2, 1])
    }
}

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

    private func expired(_ retention: Retention, limit: Int = 1000) throws -> [Int] {
        try store.expired(retention, limit: limit).map(\.id)
    }

    @Test func byAge() throws {
        #expect(try expired(Retention(endedBefore: moment(30))) == [5, 4])
        #expect(try expired(Retention(endedBefore: moment(10))) == [])
        #expect(try expired(Retention(endedBefore: moment(99))) == [5, 4, 3, 2, 1])
    }

    @Test func byCount() throws {
        #expect(try expired(Retention(keep: 2)) == [5, 4, 3])
        #expect(try expired(Retention(keep: 0)) == [5, 4, 3, 2, 1])
        #expect(try expired(Retention(keep: 5)) == [])
    }

    @Test func whicheverRemovesMore() throws {
        #expect(try expired(Retention(endedBefore: moment(20), keep: 2)) == [5, 4, 3])
        #expect(try expired(Retention(endedBefore: moment(50), keep: 4)) == [5, 4, 3, 2])
        #expect(try expired(Retention()) == [])
        #expect(try expired(Retention(keep: 0), limit: 2) == [5, 4])
    }

    /// Jobs cancelled together end at the same microsecond.
    @Test func countsExactlyAmongThoseThatEndedTogether() async throws {
        try await store.append(submit(7...12))
        try await store.append((7...12).map { change($0, .cancelled, at: 60) })
        #expect(try expired(Retention(keep: 4)) == [5, 4, 3, 2, 1, 7, 8])
    }

    @Test func whatALiveJobAsksAboutStays() async throws {
        var waiting = job(7)
        waiting.dependency = Dependency([[.init(.ok, .id(4))], [.init(.failed, .id(2))]])
        try await store.append([.submitted(waiting, document)])
        #expect(try expired(Retention(keep: 0)) == [5, 3, 1])
        try await store.append([change(7, .cancelled)])
        #expect(try expired(Retention(keep: 1)) == [5, 4, 3, 2, 1])
        var next = job(8)
        next.dependency = Dependency([[.init(.any, .range(2, 3)), .init(.ok, .range(3, 4))]])
        try await store.append([.submitted(next, document)])
        #expect(try expired(Retention(keep: 0)) == [5, 1, 7])
    }

    @Test func whatRunsAgainDoesNotExpire() async throws {
        try await store.append([change(5, .pending)])
        #expect(try expired(Retention(keep: 0)) == [4, 3, 2, 1])
    }

    /// Jobs 7 to 10 with 100 bytes of output each, twice tried and so 200 the last, and 11 without any.
    @Test func byBytes() async throws {
        try await store.append(submit(7...11))
        for id in 7...11 {
            let bytes = id == 11 ? 0 : 100
            try await store.append([start(id), end(id, at: id * 10, outputBytes: bytes)])
        }
        try await store.append([change(10, .pending), start(10, 2), end(10, 2, at: 200, outputBytes: 100)])
        #expect(try store.kept() == Kept(jobs: 10, bytes: 500, firstEnd: moment(10)))
        #expect(try expired(Retention(keepBytes: 500)) == [])
        // Those before it go as well, whatever their output: history has no holes.
        #expect(try expired(Retention(keepBytes: 499)) == [5, 4, 3, 2, 1, 7])
        #expect(try expired(Retention(keepBytes: 200)) == [5, 4, 3, 2, 1, 7, 8, 9])
        #expect(try expired(Retention(keepBytes: 0)) == [5, 4, 3, 2, 1, 7, 8, 9, 11, 10])
        #expect(try store.expired(Retention(keepBytes: 0)).last == ExpiredJob(id: 10, attempts: 2))
    }

    /// Texts count as output does, and a user who has more than one may has the own jobs removed.
    @Test func byBytesOfEachUser() async throws {
        try await store.append(
            (7...12).map { id in
                var job = job(id)
                job.owner.uid = id < 10 ? 1001 : 1002
                job.textBytes = 60
                return .submitted(job, document)
            })
        for id in 7...12 { try await store.append([start(id), end(id, at: id * 10, outputBytes: 40)]) }
        #expect(try store.kept().bytes == 600)
        var retention = Retention()
        retention.keepBytesOfEach = 250
        #expect(try expired(retention) == [7, 10])
        retention.exempt = [1001]
        #expect(try expired(retention) == [10])
        retention.keepBytes = 450
        #expect(try expired(retention) == [5, 4, 3, 2, 1, 7, 8, 10])
    }
}

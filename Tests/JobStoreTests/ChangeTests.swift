// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

@testable import JobStore

@Suite struct ChangeTests {
    private let store: JobStore

    init() throws { store = try JobStore(path: ":memory:") }

    @Test func aSubmissionIsReadBackWhole() async throws {
        var full = job(7, name: "nightly")
        full.array = .init(id: 7, index: 3, parallel: 8)
        full.group = "gpu"
        full.priority = -5
        full.begin = moment(99)
        full.dependency = Dependency([
            [.init(.ok, .id(1)), .init(.any, .id(2))], [.init(.failed, .id(3))],
        ])
        full.memoryRequestBytes = 1 << 40
        full.cpusRequest = CPUCount(milli: 1500)
        full.memoryLimitBytes = 2 << 40
        full.wallTimeLimitUsec = 60_000_000
        full.attemptsMax = 4
        var bare = job(8, state: .held)
        bare.reason = "held by pi"
        bare.owner.uid = .max
        try await store.append([.submitted(full, document), .submitted(bare, document)])
        #expect(try store.job(7) == full)
        #expect(try store.job(8) == bare)
        #expect(try store.document(of: 7) == document)
        #expect(try store.live() == [full, bare])
        #expect(try store.history(of: 8).map(\.detail) == ["held by pi"])
        #expect(try store.job(9) == nil)
        #expect(try store.document(of: 9) == nil)
    }

    /// The jobs after the first are written by one statement; a job that differs begins anew.
    @Test func `the jobs of an array are as they would be one by one`() async throws {
        var first = job(7, name: "grid")
        first.group = "gpu"
        first.dependency = Dependency([[.init(.ok, .range(1, 3))]])
        first.memoryRequestBytes = 1 << 30
        first.reason = "why"
        first.textBytes = 12
        let indices = [3, 5, 6, 100, 9]
        let array = indices.enumerated().map { offset, index in
            var job = first
            job.id += offset
            job.array = .init(id: 7, index: index, parallel: 2)
            return job
        }
        var other = job(12, name: "other")
        other.array = .init(id: 12, index: 0)
        var held = other
        (held.id, held.state, held.array) = (13, .held, .init(id: 12, index: 1))
        let all = array + [other, held, job(14)]
        try await store.append(all.map { .submitted($0, document) } + [start(8), end(8)])
        for job in all where job.id != 8 {
            #expect(try store.job(job.id) == job)
            #expect(try store.document(of: job.id) == document)
            let history = try store.history(of: job.id)
            #expect(history.map(\.detail) == [job.reason] && history.map(\.at) == [job.submittedAt])
        }
        #expect(try store.job(8)?.state == .completed && store.job(8)?.array == array[1].array)
        #expect(try store.nextID() == 15)
        // A gap, and an id that was used.
        var gap = array
        for index in gap.indices { gap[index].id = 20 + index * 2 }
        try await store.append(gap.map { .submitted($0, document) })
        #expect(try gap.map { try store.job($0.id) } == gap)
        await #expect(throws: StoreError.self) { try await store.append(array.map { .submitted($0, document) }) }
    }

    @Test func aLifeInTwoAttempts() async throws {
        try await store.append(submit([1]))
        try await store.append([start(1)])
        var expected = job(1, state: .running)
        expected.attempt = 1
        expected.startedAt = moment(1000)
        #expect(try store.job(1) == expected)

        try await store.append([.attemptPlaced(job: 1, number: 1, place: "pid 17")])
        try await store.append([change(1, .suspended, nil, "by pi")])
        #expect(try store.job(1)?.reason == "by pi")
        try await store.append([change(1, .running)])
        #expect(try store.job(1) == expected)

        try await store.append([end(1, 1, .failed), change(1, .pending, nil, "attempt 2 follows")])
        expected.state = .pending
        expected.reason = "attempt 2 follows"
        expected.cause = .exitStatus
        expected.message = "It ended as failed."
        expected.exit = .init(code: 3)
        expected.figures = AttemptFigures(memoryPeakBytes: 4096, cpuUsageUsec: 10, wallTimeUsec: 20)
        #expect(try store.job(1) == expected)
        #expect(try !store.endings(in: 1...1).isAny)

        try await store.append([start(1, 2, at: 3000), end(1, 2, at: 4000)])
        #expect(try store.endings(in: 1...9).isAny)
        #expect(try store.endings(in: 1...9).uncompleted == nil)
        #expect(try !store.endings(in: 2...9).isAny)
        #expect(try store.job(1)?.endedAt == moment(4000))
        #expect(try store.job(1)?.cause == .success)
        #expect(try store.live().isEmpty)

        let attempts = try store.attempts(of: 1)
        #expect(attempts.map(\.number) == [1, 2])
        #expect(attempts.map(\.verdict?.state) == [.failed, .completed])
        #expect(attempts.map(\.record) == ["{\"attempt\": 1}", "{\"attempt\": 2}"])
        #expect(attempts[0].place == "pid 17")
        #expect(attempts[0].bootID == "boot")
        #expect(attempts[0].endedAt == moment(2000))
        #expect(attempts[0].figures.memoryPeakBytes == 4096)
    }

    @Test func anOpenAttemptHasNoEnd() async throws {
        try await store.append(submit([1]) + [start(1)])
        let attempt = try #require(try store.attempts(of: 1).first)
        #expect(attempt.verdict == nil)
        #expect(attempt.endedAt == nil)
        #expect(attempt.record == nil)
        #expect(attempt.figures == AttemptFigures())
    }

    @Test func aJobThatNeverRanHasACauseToo() async throws {
        try await store.append(submit([1, 2]))
        try await store.append([
            change(1, .cancelled, .cancelled, "by pi"), change(2, .skipped, nil, "job 1 was cancelled"),
        ])
        #expect(try store.job(1)?.cause == .cancelled)
        #expect(try store.job(2)?.message == "job 1 was cancelled")
        #expect(try store.job(2)?.endedAt == moment(1500))
        // `jobs retry` brings it back.
        try await store.append([change(2, .pending, nil, "retried by pi")])
        #expect(try store.live().map(\.id) == [2])
    }

    @Test func fieldsChangeAlone() async throws {
        try await store.append(submit([1, 2]))
        let fields: [JobField] = [
            .priority(9), .begin(moment(5)), .memoryRequestBytes(10), .memoryLimitBytes(20), .wallTimeLimitUsec(30),
            .cpusRequest(CPUCount(milli: 250)), .attemptsMax(3), .spec("new"),
        ]
        try await store.append([.updated(job: 1, fields, detail: "more memory", at: moment(50))])
        var expected = job(1)
        expected.priority = 9
        expected.begin = moment(5)
        expected.memoryRequestBytes = 10
        expected.memoryLimitBytes = 20
        expected.wallTimeLimitUsec = 30
        expected.cpusRequest = CPUCount(milli: 250)
        expected.attemptsMax = 3
        #expect(try store.job(1) == expected)
        #expect(try store.document(of: 1) == JobDocument(spec: "new", context: document.context))
        #expect(try store.document(of: 2) == document)
        #expect(try store.history(of: 1).map(\.detail) == [nil, "more memory"])

        try await store.append([.updated(job: 1, [.begin(nil)], detail: nil, at: moment(51))])
        #expect(try store.job(1)?.begin == nil)
        #expect(try store.history(of: 1).count == 2)
    }

    @Test func anArraySharesItsDocument() async throws {
        try await store.append(submit(1...10) + [.submitted(job(11), JobDocument(spec: "other", context: ""))])
        #expect(try count("documents") == 2)
        try await store.append([.updated(job: 11, [.spec("x")], detail: nil, at: moment(1))])
        #expect(try count("documents") == 2)
        try await store.append((1...10).map { change($0, .cancelled) })
        try await store.append((1...9).map { .removed(job: $0) })
        #expect(try store.document(of: 10) == document)
        try await store.append([.removed(job: 10)])
        #expect(try count("documents") == 1)
    }

    @Test func aRemovedJobLeavesNothingButItsID() async throws {
        try await store.append(submit([1, 2]) + [start(2), end(2)])
        try await store.append([.removed(job: 2)])
        #expect(try store.job(2) == nil)
        #expect(try store.history(of: 2).isEmpty)
        #expect(try count("attempts") == 0)
        #expect(try store.nextID() == 3)
        #expect(await failure(of: submit([2]), in: store)?.problem == .refused(.usedID(2, next: 3)))
    }

    @Test func idsBeginAtOne() throws { #expect(try store.nextID() == 1) }

    @Test func whatContradictsIsRefused() async throws {
        try await store.append(submit([1, 2]) + [start(1)])
        let cases: [(Change, Violation)] = [
            (.submitted(job(2), document), .usedID(2, next: 3)),
            (.submitted(job(3, state: .running), document), .impossible(job: 3, .changed(.running), in: .pending)),
            (start(1, 2), .impossible(job: 1, .started, in: .running)),
            (start(2, 2), .wrongAttempt(job: 2, number: 2, expected: 1)),
            (start(9), .noSuchJob(9)),
            (end(2), .impossible(job: 2, .ended(.completed), in: .pending)),
            (end(1, 2), .wrongAttempt(job: 1, number: 2, expected: 1)),
            (.attemptPlaced(job: 1, number: 2, place: ""), .wrongAttempt(job: 1, number: 2, expected: 1)),
            (change(1, .completed), .impossible(job: 1, .changed(.completed), in: .running)),
            (.removed(job: 1), .impossible(job: 1, .removed, in: .running)),
            (.updated(job: 9, [.spec("")], detail: nil, at: moment(1)), .noSuchJob(9)),
        ]
        for (change, violation) in cases {
            #expect(await failure(of: [change], in: store)?.problem == .refused(violation))
        }
        var named = job(3)
        named.dependency = Dependency([[.init(.ok, .name("prepare"))]])
        let error = await failure(of: [.submitted(named, document)], in: store)
        #expect(error?.problem == .refused(.unresolvedDependency(job: 3, name: "prepare")))
        // Ended twice.
        try await store.append([end(1)])
        let again = await failure(of: [end(1)], in: store)
        #expect(again?.problem == .refused(.impossible(job: 1, .ended(.completed), in: .completed)))
        #expect(try store.history(of: 1).map(\.state) == [.pending, .running, .completed])
    }

    private func count(_ table: String) throws -> Int? {
        try store.text("SELECT count(*) FROM \(table)").flatMap { Int($0) }
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI
import NIOCore
import Queue
import Testing

@testable import JobsServer

@Suite struct EventTextTests {
    private let noon = Timestamp(microsecondsSinceEpoch: 1_800_000_000_000_000)

    private func batch(of jobs: ClosedRange<Int>) async throws -> ChangeBatch {
        let feed = ChangeFeed()
        let follower = feed.follow()
        feed.publish(jobs.map { Announcement(job: $0, at: noon, state: .failed, cause: .exitStatus, detail: "no") })
        guard case .changes(let batch)? = await follower.next() else { throw APIFailure(500, "no changes") }
        return batch
    }

    private func changes(in events: ByteBuffer?) throws -> [StateChange] {
        guard let events else { return [] }
        return try String(buffer: events).split(separator: "\n").filter { $0.hasPrefix("data: ") }.map { line in
            try StateChange(json: JSON(parsing: String(line.dropFirst(6))))
        }
    }

    @Test func `events of some jobs are those and no others`() async throws {
        let batch = try await batch(of: 1...5)
        #expect(try changes(in: batch.events(of: nil)).map(\.job) == [1, 2, 3, 4, 5])
        #expect(try changes(in: batch.events(of: [2, 5, 9])).map(\.job) == [2, 5])
        #expect(batch.events(of: [6]) == nil)
    }

    @Test func `an event is the change as the API has it`() async throws {
        let event = try await changes(in: batch(of: 7...7).events(of: [7])).first
        let expected = StateChange(
            job: 7, at: noon.description, state: .failed, cause: "exit-status", attempt: nil, detail: "no")
        #expect(event == expected)
    }
}

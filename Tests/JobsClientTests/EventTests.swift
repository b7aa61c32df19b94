// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI
import JobsClient
import Synchronization
import Testing

@Suite struct EventTests {
    private static let text =
        ": hello\n\nevent: state\ndata: {\"a\":\ndata: 1}\n\nevent: live\r\ndata: ü\r\n\r\ndata: bare\n\nevent: nothing\n\n"
    private static let events: [EventParser.Event] = [
        .init(name: "state", data: "{\"a\":\n1}"), .init(name: "live", data: "ü"), .init(name: "message", data: "bare"),
    ]

    @Test func anyCutGivesTheSameEvents() {
        let bytes = Array(Self.text.utf8)
        for size in 1...bytes.count {
            var parser = EventParser()
            var events: [EventParser.Event] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                events += parser.feed(Array(bytes[start..<min(start + size, bytes.count)]))
            }
            #expect(events == Self.events, "pieces of \(size)")
        }
    }

    private static func event(_ id: Int, _ state: JobState) -> String {
        let change = StateChange(
            job: id, at: "2026-11-24T17:00:00.000000Z", state: state, cause: nil, attempt: 1, detail: nil)
        return "event: state\ndata: \(change.json.text())\n\n"
    }

    /// A server with two jobs that end one after the other, whose events are cut in the middle.
    private static func server() throws -> FakeServer {
        let asked = Mutex(0)
        return try FakeServer { request in
            if request.hasPrefix("GET /v1/events") {
                let (first, second) = (event(7, .running), event(7, .failed))
                let cut = second.index(second.startIndex, offsetBy: 30)
                return [
                    .bytes(FakeServer.streamHead), .bytes(FakeServer.chunk(first)), .pause,
                    .bytes(FakeServer.chunk(String(second[..<cut]))), .pause,
                    .bytes(FakeServer.chunk(String(second[cut...]))), .bytes(FakeServer.chunk(event(8, .completed))),
                    .pause, .pause,
                ]
            }
            if request.hasPrefix("GET /v1/jobs/7") {
                let job = Fixture.job(7, .failed) { $0.processExitCode = 3 }
                return FakeServer.answer(#"{"job":\#(job.json.text())}"#)
            }
            if request.hasPrefix("GET /v1/jobs/8") {
                let job = Fixture.job(8, .completed) { $0.processExitCode = 0 }
                return FakeServer.answer(#"{"job":\#(job.json.text())}"#)
            }
            asked.withLock { $0 += 1 }
            let jobs = [8, 7].map { Fixture.job($0, .pending).json.text() }.joined(separator: ",")
            return FakeServer.answer(#"{"jobs":[\#(jobs)],"more":false}"#)
        }
    }

    @Test func waitsForAll() async throws {
        let server = try Self.server()
        defer { server.stop() }
        let ended = try await JobsClient(socket: server.path).waitForEnd(of: [7, 8])
        #expect(ended.map(\.processExitCode) == [3, 0])
        // Who asks before listening misses what happens in between.
        #expect(server.requests.first?.hasPrefix("GET /v1/events?job=7,8 ") == true)
        #expect(server.requests.dropFirst().first?.contains("ids=7-8&") == true)
    }

    @Test func waitsForAny() async throws {
        let server = try Self.server()
        defer { server.stop() }
        #expect(try await JobsClient(socket: server.path).waitForEnd(of: [8, 7], any: true).map(\.id) == [7])
    }

    @Test func aDaemonThatReturnsIsWaitedFor() async throws {
        let connections = Mutex(0)
        let server = try FakeServer { request in
            if request.hasPrefix("GET /v1/events") {
                // The first stream ends as if the daemon had been killed.
                let count = connections.withLock {
                    $0 += 1
                    return $0
                }
                return count == 1
                    ? [.bytes(FakeServer.streamHead), .pause]
                    : [.bytes(FakeServer.streamHead), .bytes(FakeServer.chunk(Self.event(7, .completed))), .pause]
            }
            let state: JobState = request.hasPrefix("GET /v1/jobs/7") ? .completed : .running
            let job = Fixture.job(7, state) { $0.processExitCode = state == .completed ? 0 : nil }.json.text()
            return FakeServer.answer(
                request.hasPrefix("GET /v1/jobs/7") ? #"{"job":\#(job)}"# : #"{"jobs":[\#(job)],"more":false}"#)
        }
        defer { server.stop() }
        let losses = Mutex(0)
        let ended = try await JobsClient(socket: server.path).waitForEnd(of: [7]) { news in
            if case .absence(.lost) = news { losses.withLock { $0 += 1 } }
        }
        #expect(ended.map(\.state) == [.completed])
        #expect(losses.withLock { $0 } == 1)
    }

    @Test func aJobThatIsNotThere() async throws {
        let server = try FakeServer { request in
            request.hasPrefix("GET /v1/events")
                ? [.bytes(FakeServer.streamHead), .pause] : FakeServer.answer(#"{"jobs":[],"more":false}"#)
        }
        defer { server.stop() }
        await #expect(throws: ClientError.refused(status: 404, message: "there is no job 5")) {
            try await JobsClient(socket: server.path).waitForEnd(of: [5])
        }
    }
}

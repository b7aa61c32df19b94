// SPDX-License-Identifier: Apache-2.0
import Foundation
import JobModel
import JobsAPI
import JobsClient
import SystemPackage
import Testing

@Suite struct ClientTests {
    @Test func asksAndReadsAValue() async throws {
        let server = try FakeServer { _ in FakeServer.answer(#"{"id":42,"count":3}"#, status: "201 Created") }
        defer { server.stop() }
        let submission = Submission(
            job: .object(["text": "command: [true]"].mapped), environment: ["A": "b"], directory: "/")
        let submitted = try await JobsClient(socket: server.path).submit(submission, key: "k")
        #expect(submitted == Submitted(id: 42, count: 3))
        let request = try #require(server.requests.first)
        #expect(request.hasPrefix("POST /v1/jobs HTTP/1.1\r\n"))
        #expect(request.contains("\r\nIdempotency-Key: \"k\"\r\n"))
        #expect(request.hasSuffix(submission.json.text()))
    }

    @Test func nobodyListens() async throws {
        let absent = "/tmp/jobs-client-\(getpid())-none.sock"
        await #expect(throws: ClientError.cannotConnect(socket: absent, .noSuchFileOrDirectory)) {
            try await JobsClient(socket: absent).get("/v1/daemon")
        }
        // A socket that a dead daemon left behind.
        let server = try FakeServer { _ in [] }
        let stale = server.path + ".stale"
        try FileManager.default.moveItem(atPath: server.path, toPath: stale)
        server.stop()
        defer { unlink(stale) }
        let error = await #expect(throws: ClientError.self) { try await JobsClient(socket: stale).get("/v1/daemon") }
        #expect(error == .cannotConnect(socket: stale, .connectionRefused))
        #expect(error?.nobodyListens == true)
        #expect(error?.exitCode == 69)
    }

    @Test func theServersSentenceIsKept() async throws {
        let server = try FakeServer { _ in
            FakeServer.answer(#"{"error":"job 7 belongs to ann"}"#, status: "403 Forbidden")
        }
        defer { server.stop() }
        let error = await #expect(throws: ClientError.self) { try await JobsClient(socket: server.path).job(7) }
        #expect(error == .refused(status: 403, message: "job 7 belongs to ann"))
        #expect(error?.description == "job 7 belongs to ann")
        #expect(error?.exitCode == 77)
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\"", FakeServer.streamHead + "5\r\nab"])
    func aBrokenConnectionIsNoAnswer(sent: String) async throws {
        let server = try FakeServer { _ in sent.isEmpty ? [] : [.bytes(sent)] }
        defer { server.stop() }
        let error = await #expect(throws: ClientError.self) {
            try await JobsClient(socket: server.path).get("/v1/daemon")
        }
        guard case .broken = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func anAnswerThatIsNoJSON() async throws {
        let server = try FakeServer { _ in FakeServer.answer("<html>") }
        defer { server.stop() }
        let error = await #expect(throws: ClientError.self) {
            try await JobsClient(socket: server.path).get("/v1/daemon")
        }
        guard case .unintelligible = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func outputArrivesInPieces() async throws {
        let gate = Gate()
        let server = try FakeServer { _ in
            [
                .bytes(FakeServer.streamHead), .bytes(FakeServer.chunk("one\n")), .wait(gate),
                .bytes(FakeServer.chunk("two\n") + "0\r\n\r\n"),
            ]
        }
        defer { server.stop() }
        let text = try await JobsClient(socket: server.path).stream("/v1/jobs/1/output/stdout?follow=1") { body in
            var text = ""
            for try await bytes in body {
                text += String(decoding: bytes, as: UTF8.self)
                // The second piece is not written before the first was here.
                if text == "one\n" { gate.open() }
            }
            return text
        }
        #expect(text == "one\ntwo\n")
    }

    @Test func pagesAreJoined() async throws {
        let server = try FakeServer { request in
            let isSecond = request.contains("before=9")
            let id = isSecond ? 4 : 9
            return FakeServer.answer(#"{"jobs":[\#(Fixture.job(id).json.text())],"more":\#(!isSecond)}"#)
        }
        defer { server.stop() }
        var query = JobQuery()
        query.name = "a b"
        let jobs = try await JobsClient(socket: server.path).jobs(query)
        #expect(jobs == [Fixture.job(9), Fixture.job(4)])
        #expect(server.requests.first?.contains("GET /v1/jobs?name=a%20b&limit=2000 ") == true)
    }
}

extension [String: String] {
    var mapped: [JSON.Member] { map { JSON.Member(key: $0.key, value: .string($0.value)) } }
}

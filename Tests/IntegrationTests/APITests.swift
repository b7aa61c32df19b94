// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import JobModel
import JobsClient
import Linux
import Testing

extension IntegrationTests {
    /// The daemon's socket in the hands of clumsy, slow and curious people.
    @Suite(.enabled(if: Machine.isRoot)) struct APITests {
        @Test func `what is malformed or too large is refused, and the next request is served`() async throws {
            let daemon = try Daemon()
            let nested = String(repeating: "[", count: 200_000)
            let deep = try daemon.ask("POST", "/v1/jobs", nested)
            #expect(deep.status == 400, "\(deep.text.prefix(300))")
            // Refused by its announced length or while it is sent: then the answer comes before all of it is written.
            let socket = try daemon.connect()
            try socket.send(
                "POST /v1/jobs HTTP/1.1\r\nHost: j\r\nConnection: close\r\nContent-Length: 900000000\r\n\r\n")
            // The server stops reading, so the rest is sent by a thread of its own until the connection is closed.
            let sender = Task.detached {
                while (try? socket.send(String(repeating: " ", count: 1 << 20))) != nil {}
            }
            let refused = String(decoding: try socket.read(), as: UTF8.self)
            #expect(refused.contains(" 413 "), "\(refused)")
            shutdown(socket.rawValue, CInt(SHUT_RDWR))
            await sender.value
            for garbage in [
                "\u{0}\u{1}\u{2}\r\n\r\n", "GET\r\n\r\n", "GET /v1/jobs HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            ] {
                let socket = try daemon.connect()
                try socket.send(garbage)
                let answer = socket.readToEnd()
                #expect(answer.isEmpty || answer.contains(" 400 "), "\(answer)")
            }
            for path in ["/v1/jobs?limit=x", "/v1/jobs?ids=5-1", "/v1/jobs/0", "/v1/jobs/99999999999999999999"] {
                #expect(try daemon.ask("GET", path, "").status == 400, "\(path)")
            }
            let header = String(repeating: "a", count: 1 << 20)
            let long = try daemon.ask("GET", "/v1/jobs?name=" + header, "")
            #expect(long.status == 0 || long.status >= 400)
            #expect(try await daemon.submit("true") == 1)
        }

        @Test func `those who are slow keep nobody waiting`() async throws {
            let daemon = try Daemon()
            // Requests that never get on, and answers that nobody reads.
            var idle: [Descriptor] = []
            for _ in 0..<300 {
                let socket = try daemon.connect()
                try socket.send("POST /v1/jobs HTTP/1.1\r\nHost: j\r\nContent-Length: 100\r\n\r\n{")
                idle.append(socket)
            }
            let chatty = try await daemon.submit("head -c 30M /dev/zero")
            try await daemon.wait([chatty])
            for _ in 0..<20 {
                let socket = try daemon.connect()
                try socket.send("GET /v1/jobs/\(chatty)/output/stdout HTTP/1.1\r\nHost: j\r\n\r\n")
                idle.append(socket)
            }
            let id = try await daemon.submit("echo served")
            try await daemon.wait([id])
            #expect(try await daemon.output(id) == "served\n")
            // Twenty outputs of 30 MB that nobody reads are not in its memory.
            let status = try String(contentsOfFile: "/proc/\(daemon.process.processIdentifier)/status", encoding: .utf8)
            let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") } ?? ""
            let kilobytes = line.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }.first ?? .max
            #expect(kilobytes < 200 << 10, "\(line)")
            withExtendedLifetime(idle) {}
        }

        @Test func `its end does not wait for those who follow, and ends what they read properly`() async throws {
            let daemon = try Daemon()
            let ready = daemon.scratch.fifo("ready")
            let id = try await daemon.submit("echo begun; echo > \(ready); sleep 100")
            _ = line(from: ready)
            let events = try daemon.connect()
            try events.send("GET /v1/events HTTP/1.1\r\nHost: j\r\n\r\n")
            let output = try daemon.connect()
            try output.send("GET /v1/jobs/\(id)/output/stdout?follow=1 HTTP/1.1\r\nHost: j\r\n\r\n")
            // Both have begun once there is an answer.
            var heard = String(decoding: try events.read(), as: UTF8.self)
            var followed = String(decoding: try output.read(), as: UTF8.self)
            daemon.kill(SIGTERM)
            heard += events.readToEnd()
            followed += output.readToEnd()
            #expect(heard.hasSuffix("0\r\n\r\n") && followed.hasSuffix("0\r\n\r\n"), "\(heard)\n\(followed)")
            try daemon.start()
            try await daemon.perform("cancel", id)
            try await daemon.wait([id], for: ["cancelled"])
        }

        // MARK: Who may do what

        /// The CLI as somebody else, without a name in the user database.
        private func jobs(_ words: [String], as uid: Int, _ daemon: Daemon) throws -> JobsProgram.Outcome {
            try JobsProgram.execute(
                ["setpriv", "--reuid=\(uid)", "--regid=\(uid)", "--clear-groups", JobsProgram.path] + words,
                environment: ["JOBS_STATE_DIR": daemon.state, "HOME": "/", "SECRET": "s3cret"], in: "/")
        }

        @Test func `users see all states, and touch and read only their own`() async throws {
            let daemon = try Daemon()
            let (ready, go) = (daemon.scratch.fifo("ready"), daemon.scratch.fifo("go"))
            let script = "id -u; id -G; echo secret is $SECRET; echo > \(ready); read x < \(go)"
            let submitted = try jobs(
                ["submit", "--parsable", "--export", "SECRET", "--", "sh", "-c", script], as: 60001, daemon)
            try #require(submitted.code == 0 && submitted.output == "1\n", "\(submitted.all)")
            _ = line(from: ready)
            let seen = try jobs(["status", "--all"], as: 60002, daemon)
            #expect(seen.code == 0 && seen.output.contains("running") && !seen.output.contains("s3cret"), "\(seen.all)")
            for words in [
                ["logs", "1"], ["cancel", "1"], ["hold", "1"], ["suspend", "1"], ["retry", "1"], ["drain"],
            ] {
                let refused = try jobs(words, as: 60002, daemon)
                #expect(refused.code == 77, "\(words): \(refused.all)")
            }
            let account = try jobs(["status", "--json", "1"], as: 60002, daemon)
            #expect(account.code == 0 && !account.output.contains("SECRET"), "\(account.all)")
            let own = try jobs(["status", "--json", "1"], as: 60001, daemon)
            #expect(own.output.contains("echo secret"), "\(own.all)")
            writeLine(go)
            let ended = try jobs(["wait", "1"], as: 60002, daemon)
            #expect(ended.code == 0, "\(ended.all)")
            let logs = try jobs(["logs", "1"], as: 60001, daemon)
            #expect(logs.output == "60001\n60001\nsecret is s3cret\n", "\(logs.all)")
            #expect(try await daemon.output(1) == logs.output)
            #expect(!daemon.log.contains("s3cret"))
        }

        @Test func `nobody becomes somebody else by a job`() throws {
            let daemon = try Daemon()
            for words in [["--user", "root"], ["--group", "0"]] {
                let refused = try jobs(["submit"] + words + ["--", "id"], as: 60001, daemon)
                #expect(refused.code == 77 && refused.errors.contains("only root"), "\(words): \(refused.all)")
            }
            // What is kept of a job is its owner's to read through the daemon, and nobody's in the files.
            let own = try jobs(["submit", "--wait", "--", "cat", daemon.state + "/jobs.db"], as: 60001, daemon)
            #expect(own.code == 1, "\(own.all)")
        }
    }
}

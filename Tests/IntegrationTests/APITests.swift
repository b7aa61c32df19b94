// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import JobModel
import JobsClient
import Linux
import Testing

extension IntegrationTests {
    /// The daemon's socket in the hands of clumsy, slow and curious people.
    @Suite(.needsRoot) struct APITests {
        @Test(.onBuildMachine)
        func `what is malformed or too large is refused, and the next request is served`() async throws {
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

        @Test(.onBuildMachine) func `those who are slow keep nobody waiting`() async throws {
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
            let id = try await daemon.submit("echo begun; echo > \(ready); sleep 1h")
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
                JobsProgram.become(uid) + [JobsProgram.path] + words,
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

        @Test func `an ordinary user's job gets no capability and sees no directory that its user may not`() throws {
            let daemon = try Daemon()
            let privileges = [
                ["--capabilities", "DAC_OVERRIDE"], ["--userns", "--capabilities", "SETUID"],
                ["--capabilities", "all"],
                ["--new-privileges"], ["--seccomp", "off"],
            ]
            for words in privileges {
                let refused = try jobs(["submit"] + words + ["--", "id"], as: 60001, daemon)
                #expect(
                    refused.code == 77 && refused.errors.contains("only root's jobs may have"),
                    "\(words): \(refused.all)")
            }
            // Below a directory that is closed to them, by its name, and by a link whose `..` leads elsewhere afterwards.
            let name = "jobs-test-\(getpid())"
            let root = "/tmp/\(name)"
            defer { try? FileManager.default.removeItem(atPath: root) }
            try FileManager.default.createDirectory(atPath: root + "/closed/open", withIntermediateDirectories: true)
            try "hidden\n".write(toFile: root + "/closed/open/file", atomically: true, encoding: .utf8)
            chmod(root + "/closed", 0o700)
            let closed = try jobs(
                ["submit", "--wait", "--private-tmp", "--directory", root + "/closed/open", "--", "cat", "file"],
                as: 60001, daemon)
            #expect(closed.code == 125, "\(closed.all)")
            #expect(try jobs(["logs", "1"], as: 60001, daemon).output.isEmpty)
            try FileManager.default.createDirectory(atPath: root + "/a/b", withIntermediateDirectories: true)
            try FileManager.default.createDirectory(atPath: root + "/a/\(name)", withIntermediateDirectories: true)
            symlink(root + "/a/b", root + "/link")
            let link = try jobs(
                ["submit", "--wait", "--private-tmp", "--directory", root + "/link/../\(name)", "--", "pwd"],
                as: 60001, daemon)
            #expect(link.code == 125, "\(link.all)")
            let plain = try jobs(
                ["submit", "--wait", "--private-tmp", "--directory", root + "/a/b", "--", "sh", "-c", "pwd; ls /tmp"],
                as: 60001, daemon)
            #expect(plain.code == 0, "\(plain.all)")
            #expect(try jobs(["logs", "3"], as: 60001, daemon).output == "\(root)/a/b\n\(name)\n")
        }

        @Test func `limits of a user's job are not above the daemon's`() throws {
            let daemon = try Daemon()
            var own = rlimit()
            getrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &own)
            let run = try jobs(
                ["submit", "--wait", "--nofile", "2000000", "--", "sh", "-c", "ulimit -Hn"], as: 60001, daemon)
            #expect(run.code == 0, "\(run.all)")
            let most = own.rlim_max == rlim_t.max ? "unlimited" : "\(own.rlim_max)"
            #expect(try jobs(["logs", "1"], as: 60001, daemon).output == most + "\n")
            // What was inherited is the soft limit; the hard one stays where it was.
            let soft = try JobsProgram.execute(
                [
                    "sh", "-c", "ulimit -Sn 99; exec \"$@\"", "sh", JobsProgram.path, "submit", "--wait", "--", "sh",
                    "-c",
                    "ulimit -Sn; ulimit -Hn",
                ], environment: ["JOBS_STATE_DIR": daemon.state])
            #expect(soft.code == 0, "\(soft.all)")
            let logs = try JobsProgram.execute(
                [JobsProgram.path, "logs", "2"], environment: ["JOBS_STATE_DIR": daemon.state])
            #expect(logs.output == "99\n\(most)\n", "\(logs.all)")
        }

        @Test(.onBuildMachine) func `one user's connections are not everybody's`() async throws {
            let daemon = try Daemon()
            // A thousand connections of one user, held by a shell's children of that user.
            let script = """
                import socket, sys
                held = []
                for _ in range(1000):
                    s = socket.socket(socket.AF_UNIX)
                    s.connect(sys.argv[1])
                    held.append(s)
                open_ = 0
                for s in held:
                    try:
                        s.sendall(b'GET /v1/openapi.json HTTP/1.1\\r\\nHost: j\\r\\n\\r\\n')
                        if s.recv(10): open_ += 1
                    except OSError:
                        pass
                print(open_)
                """
            let greedy = try JobsProgram.execute(
                JobsProgram.become(60001) + [
                    "/usr/bin/python3", "-c", script,
                    daemon.state + "/run/jobs.sock",
                ])
            #expect(greedy.output == "512\n", "\(greedy.all)")
            let id = try await daemon.submit("true")
            try await daemon.wait([id])
        }

        @Test(.onBuildMachine) func `a file that would take for ever to read is refused`() throws {
            let daemon = try Daemon()
            var lines = ["command: [true]", "env:", "  a0: &a0 [x, x]"]
            for index in 1..<40 { lines.append("  a\(index): &a\(index) [*a\(index - 1), *a\(index - 1)]") }
            lines.append("  ? *a39\n  : y")
            let source = JSON.object([
                "text": .string(lines.joined(separator: "\n")), "path": .string("bomb.yaml"),
            ])
            let body = JSON.object(["job": source, "directory": .string("/")])
            let answer = try daemon.ask("POST", "/v1/jobs", body.text())
            #expect(answer.status == 400 && answer.text.contains("aliases"), "\(answer)")
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

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import JobModel
import JobsClient
import Linux
import Testing

extension IntegrationTests {
    /// Who may ask for what: jobs, web pages, users who are on a list or not.
    @Suite(.needsRoot) struct AccessTests {
        /// The CLI with that daemon, as a shell command of a job.
        private func jobs(_ daemon: Daemon, _ words: String) -> String {
            "JOBS_STATE_DIR=\(daemon.state) \(JobsProgram.path) \(words) 2>&1"
        }

        @Test func `a job changes nothing through the socket, whatever starts it`() async throws {
            let daemon = try Daemon()
            let submit = jobs(daemon, "submit --parsable -- true")
            let drain = jobs(daemon, "drain")
            let script = "(\(submit)); setsid -w sh -c '\(submit)'; (\(submit)) & wait; \(drain)"
            // Its mounts would hide the socket.
            let unhidden: [(String, String?)] = [("--no-mount", nil)]
            let id = try await daemon.submit(script, unhidden)
            try await daemon.wait([id])
            let answers = try await daemon.output(id).split(separator: "\n")
            #expect(
                answers.count == 4 && answers.allSatisfy { $0.contains("inside a job (job-\(id).1)") }, "\(answers)")
            #expect(try await daemon.client.get("/v1/daemon")["draining"]?.boolValue == false)
            #expect(try await daemon.client.get("/v1/jobs")["jobs"]?.arrayValue?.count == 1)
            // Nor does one of another queue, nor a run.
            let other = try Daemon()
            let theirs = try await other.submit(submit, unhidden)
            try await other.wait([theirs])
            #expect(try await other.output(theirs).contains("inside a job"))
            let run = try JobsProgram.execute([JobsProgram.path, "run", "-q", "--no-mount", "--", "sh", "-c", submit])
            #expect(run.output.contains("inside a job (run-"), "\(run.all)")
            // To look is free.
            let look = try await daemon.submit(jobs(daemon, "status --json"), unhidden)
            try await daemon.wait([look])
            #expect(try await daemon.output(look).contains("\"jobs\""))
        }

        @Test func `a job that may submit does so as its owner, and root's without root's rights`() async throws {
            let daemon = try Daemon()
            let id = try await daemon.submit(
                [
                    jobs(daemon, "submit --parsable -- true"),
                    jobs(daemon, "submit --parsable --capabilities SYS_MODULE -- true"), jobs(daemon, "drain"),
                ].joined(separator: "; "), [("--submit", nil)])
            try await daemon.wait([id])
            let answers = try await daemon.output(id).split(separator: "\n")
            #expect(
                answers.count == 3 && answers[0] == "\(id + 1)" && answers[1].contains("only root's jobs")
                    && answers[2].contains("outside of jobs"), "\(answers)")
        }

        @Test func `a job of root's runs none of root's other jobs with more rights than by default`() async throws {
            let daemon = try Daemon()
            let finished = try await daemon.submit("true", [("--capabilities", "CHOWN")])
            let held = try await daemon.submit("true", [("--hold", nil), ("--user", "60001")])
            let plain = try await daemon.submit("true")
            try await daemon.wait([finished, plain])
            let id = try await daemon.submit(
                ["retry \(finished)", "release \(held)", "retry \(plain)"].map { jobs(daemon, $0) }.joined(
                    separator: "; "),
                [("--submit", nil)])
            try await daemon.wait([id])
            let answers = try await daemon.output(id)
            for job in [finished, held] {
                #expect(answers.contains("job \(job) has more rights than the job from inside of which"), "\(answers)")
            }
            #expect(!answers.contains("job \(plain) has more rights"), "\(answers)")
            #expect(try await daemon.state(held) == "held")
        }

        @Test(.onBuildMachine) func `a connection whose maker has ended is not trusted`() throws {
            let daemon = try Daemon()
            // A child connects, hands the connection to its parent, and ends.
            let script = """
                import os, socket, sys
                ours, theirs = socket.socketpair()
                if os.fork() == 0:
                    s = socket.socket(socket.AF_UNIX)
                    s.connect(sys.argv[1])
                    socket.send_fds(theirs, [b'x'], [s.fileno()])
                    os._exit(0)
                fds = socket.recv_fds(ours, 1, 1)[1]
                os.wait()
                s = socket.socket(fileno=fds[0])
                s.sendall(b'POST /v1/drain HTTP/1.1\\r\\nHost: j\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n')
                print(s.recv(1000).decode())
                """
            let outcome = try JobsProgram.execute(["/usr/bin/python3", "-c", script, daemon.socket])
            // It was seen while it lived, or it is refused: never taken for another process.
            #expect(outcome.output.contains(" 200 ") || outcome.output.contains(" 403 "), "\(outcome.all)")
        }

        @Test func `web pages are refused`() throws {
            let daemon = try Daemon()
            func ask(_ host: String, _ header: String = "") throws -> Int {
                let socket = try daemon.connect()
                try socket.send("GET /v1/counts HTTP/1.1\r\nHost: \(host)\r\n\(header)Connection: close\r\n\r\n")
                return socket.readToEnd().split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            }
            for host in [
                "jobs", "localhost:8080", "127.0.0.1:80", "[::1]:8080", "%2Frun%2Fjobs%2Fjobs.sock", "a.localhost",
            ] {
                #expect(try ask(host) == 200, "\(host)")
            }
            for host in ["example.com", "jobs.example.com:8080", "127.0.0.1.example.com", "192.168.0.1", "[fe80::1]"] {
                #expect(try ask(host) == 403, "\(host)")
            }
            #expect(try ask("localhost:8080", "Origin: http://localhost:8080\r\n") == 200)
            #expect(try ask("localhost:8080", "Sec-Fetch-Site: none\r\n") == 200)
            for header in [
                "Origin: https://example.com", "Origin: null", "Origin: http://localhost:9",
                "Sec-Fetch-Site: same-site", "Sec-Fetch-Site: cross-site",
            ] {
                #expect(try ask("localhost:8080", header + "\r\n") == 403, "\(header)")
            }
        }

        // MARK: Users

        private func submit(_ daemon: Daemon, as uid: Int, _ flags: [String] = []) throws -> JobsProgram.Outcome {
            try JobsProgram.execute(
                JobsProgram.become(uid) + [JobsProgram.path, "submit"] + flags
                    + ["--", "true"], environment: ["JOBS_STATE_DIR": daemon.state, "HOME": "/"], in: "/")
        }

        @Test func `lists decide who may submit, from the next request on`() throws {
            let daemon = try Daemon()
            #expect(try submit(daemon, as: 60001).code == 0)
            try "60001 # for now\n".write(toFile: daemon.state + "/submit.deny", atomically: true, encoding: .utf8)
            let denied = try submit(daemon, as: 60001)
            #expect(denied.code == 77 && denied.errors.contains("submit.deny"), "\(denied.all)")
            #expect(try submit(daemon, as: 60002).code == 0)
            try "60001\n".write(toFile: daemon.state + "/submit.allow", atomically: true, encoding: .utf8)
            #expect(try submit(daemon, as: 60002).errors.contains("submit.allow"))
            let both = try submit(daemon, as: 60001)
            #expect(both.code == 0, "the first list decides: \(both.all)")
            try FileManager.default.removeItem(atPath: daemon.state + "/submit.deny")
            try FileManager.default.removeItem(atPath: daemon.state + "/submit.allow")
            #expect(try submit(daemon, as: 60002).code == 0)
        }

        @Test func `a socket group keeps everybody else out`() throws {
            let daemon = try Daemon(["--memory", "1G", "--cpus", "4", "--socket-group", "60001"])
            #expect(try submit(daemon, as: 60001).code == 0)
            #expect(try submit(daemon, as: 60002).code == 77)
        }

        // MARK: Devices

        @Test func `a device's path says nothing of directories that its job's owner may not enter`() throws {
            let daemon = try Daemon()
            let locked = daemon.scratch.path + "/locked"
            mkdir(locked, 0o700)
            try "".write(toFile: locked + "/there", atomically: true, encoding: .utf8)
            func message(_ flags: [String]) throws -> String {
                let outcome = try submit(daemon, as: 60001, ["--wait"] + flags)
                #expect(outcome.code == 125, "\(outcome.all)")
                return outcome.all
            }
            for (flag, rule) in [("--io", ":write=1M"), ("--devices", " r")] {
                for name in ["there", "not-there"] {
                    let said = try message([flag, "\(locked)/\(name)\(rule)"])
                    #expect(said.contains("cannot find the device \(locked)/\(name): Permission denied"), "\(said)")
                }
            }
        }

        @Test(.needsFUSE) func `a device's path on a server that does not answer holds its own job and no other`()
            async throws
        {
            let files = try SilentFileSystem(.unread)
            let (daemon, held) = try files.daemon()
            defer { close(held) }
            let rule: [(String, String?)] = [("--io", files.path + "/disk:write=1M")]
            let silent = try await daemon.submit("true", rule)
            _ = line(from: files.asked)
            try await daemon.perform("cancel", silent)
            let other = try await daemon.submit("true")
            try await daemon.wait([silent, other])
            #expect(try await daemon.state(silent) == "cancelled")
            // Each lookup is a thread that waits on; the fifth would be one too many.
            let ids = [try await daemon.submit("true", rule), try await daemon.submit("true", rule)]
            try await daemon.wait(ids)
            for id in ids {
                let message = try await daemon.record(id)?["message"]?.stringValue ?? ""
                #expect(
                    message.contains("\(files.path)/disk; the file system that it lies on has not answered for 5s"),
                    "\(message)")
            }
            try await daemon.submit("true", rule)
            let fifth = try await daemon.submit("true", rule)
            try await daemon.wait([fifth])
            let refused = try await daemon.record(fifth)?["message"]?.stringValue ?? ""
            #expect(
                refused.contains("4 such questions of root's have no answer yet; name devices by number"), "\(refused)")
        }

        @Test(.onBuildMachine) func `quotas are shown with figures, limit and remedy when they bite`() async throws {
            let daemon = try Daemon([
                "--memory", "1G", "--cpus", "4", "--quota", "jobs=4", "--quota", "array=3", "--quota", "texts=2K",
                "--quota",
                "terms=2",
            ])
            func refused(_ flags: [String], _ words: String) throws {
                let outcome = try submit(daemon, as: 60001, flags)
                #expect(outcome.code == 75 && outcome.errors.contains(words), "\(flags): \(outcome.all)")
            }
            try refused(["--array", "1-4"], "this array has 4 jobs, and 3 are the most")
            #expect(try submit(daemon, as: 60001, ["--array", "1-3", "--hold"]).code == 0)
            try refused(["--array", "1-2"], "you have 3 of at most 4 jobs in the queue")
            try refused(["--env", "A=" + String(repeating: "x", count: 2000)], "of at most 2K of job files")
            try refused(["--after", "any:1,any:2,any:3"], "0 of at most 2 terms of --after")
            let last = try submit(daemon, as: 60001, ["--hold", "--after", "any:1-3"])
            #expect(last.code == 0, "\(last.all)")
            try refused(
                ["--hold"], "you have 4 of at most 4 jobs in the queue; wait until some have ended, or cancel some")
            // Root and others have their own; and what has ended makes room, also after a restart.
            #expect(try submit(daemon, as: 60002).code == 0)
            #expect(try await daemon.submit("true", [("--array", "1-9")]) > 0)
            daemon.kill()
            try daemon.start()
            try refused(["--hold"], "you have 4 of at most 4 jobs")
            try await daemon.perform("cancel", 1)
            #expect(try submit(daemon, as: 60001, ["--hold"]).code == 0)
            try refused(["--hold"], "you have 4 of at most 4 jobs")
            let again = try JobsProgram.execute(
                JobsProgram.become(60001) + [JobsProgram.path, "retry", "1_1"],
                environment: ["JOBS_STATE_DIR": daemon.state, "HOME": "/"], in: "/")
            #expect(again.code != 0 && again.errors.contains("4 of at most 4"), "\(again.all)")
        }

        @Test func `what jobsd cannot understand of its flags is bad usage`() throws {
            let program = JobsProgram.repository.appending(path: ".build/debug/jobsd").path
            for words in [
                ["--quota", "jobs"], ["--quota", "jobs=-1"], ["--quota", "jobs=1e9"], ["--quota", "cows=1"],
                ["--quota", "texts=99999999999T"], ["--socket-group", "no-such-group"],
            ] {
                let outcome = try JobsProgram.execute(
                    [program] + words, environment: ["JOBS_STATE_DIR": "/nonexistent"])
                #expect(outcome.code == 64, "\(words): \(outcome.all)")
            }
        }
    }
}

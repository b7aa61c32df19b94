// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import Glibc
import JobsAPI
import JobsClient
import Linux
import Testing

extension IntegrationTests {
    /// Commands that meet a daemon which starts, ends, or has just gone.
    @Suite(.needsRoot) struct RestartTests {
        /// A program whose standard error the test reads as it comes.
        private struct Told {
            let running: JobsProgram.Running
            private let errors: String
            // Open for both, so that it never ends.
            private let holder: Descriptor

            init(_ words: [String], _ environment: [String: String], _ scratch: Scratch) throws {
                errors = scratch.fifo("errors-\(UUID().uuidString)")
                holder = try Descriptor.open(errors, O_RDWR)
                running = try JobsProgram.Running(
                    ["sh", "-c", #"f=$1; shift; exec "$@" 2>"$f""#, "sh", errors, JobsProgram.path] + words,
                    environment: environment)
            }

            func waitFor(_ words: String) { _ = line(from: errors) { $0.contains(words) } }
        }

        private func environment(_ daemon: Daemon) -> [String: String] { ["JOBS_STATE_DIR": daemon.state] }

        // MARK: Gone and back

        @Test(arguments: [SIGKILL, SIGTERM]) func `wait and logs -f wait for a daemon that has just gone`(
            _ signal: CInt
        ) async throws {
            let daemon = try Daemon()
            let go = daemon.scratch.fifo("go")
            let id = try await daemon.submit("read x < \(go); echo out; exit 3")
            let next = try await daemon.submit("echo late", [("--after", "any:\(id)")])
            try await daemon.wait([id], for: ["running"])
            daemon.kill(signal)
            let verbs = [["wait", "-q", "\(id)"], ["logs", "-f", "\(id)"], ["logs", "-f", "\(next)"]]
            let told = try verbs.map { try Told($0, environment(daemon), daemon.scratch) }
            for told in told { told.waitFor("went away; waiting for its return") }
            try daemon.start()
            writeLine(go)
            let outcomes = told.map { $0.running.wait() }
            #expect(outcomes.map(\.code) == [3, 0, 0])
            #expect(outcomes.map(\.output) == ["", "out\n", "late\n"])
        }

        @Test func `wait and submit --wait go through several ends of the daemon, of any kind`() async throws {
            let daemon = try Daemon()
            let (ready, go) = (daemon.scratch.fifo("ready"), daemon.scratch.fifo("go"))
            let script = "echo > \(ready); read x < \(go); exit 7"
            let submitted = try Told(
                ["submit", "--wait", "-q", "--", "sh", "-c", script], environment(daemon), daemon.scratch)
            _ = line(from: ready)
            let waiting = try Told(["wait", "-q", "1"], environment(daemon), daemon.scratch)
            for signal in [SIGKILL, SIGTERM, SIGKILL] {
                daemon.kill(signal)
                submitted.waitFor("went away; waiting")
                waiting.waitFor("went away; waiting")
                try daemon.start()
                submitted.waitFor("is back")
                waiting.waitFor("is back")
            }
            writeLine(go)
            #expect(submitted.running.wait().code == 7 && waiting.running.wait().code == 7)
        }

        @Test func `status --watch draws on after a restart`() async throws {
            let daemon = try Daemon()
            let id = try await daemon.submit("true", [("--hold", nil)], name: "watched")
            let pair = try Terminal.openPair()
            let running = try JobsProgram.Running(
                [JobsProgram.path, "status", "--watch", "--all"], environment: environment(daemon),
                terminal: pair.slave)
            func read(until words: String) throws {
                var text = ""
                while !text.contains(words) { text += String(decoding: try pair.master.read(), as: UTF8.self) }
            }
            try read(until: "held")
            for signal in [SIGTERM, SIGKILL] {
                daemon.kill(signal)
                try read(until: "jobsd went away; waiting for its return")
                try daemon.start()
                try read(until: "held")
            }
            try await daemon.perform("release", id)
            try read(until: "completed")
            kill(running.pid, SIGINT)
            #expect(running.wait().code == 130)
        }

        @Test func `where no daemon ever was, the answer comes at once and nothing is made`() throws {
            let scratch = try Scratch()
            let state = scratch.path + "/state"
            for verb in [["wait", "1"], ["status"], ["logs", "-f", "1"], ["cancel", "1"]] {
                let outcome = try JobsProgram.execute(
                    [JobsProgram.path] + verb, environment: ["JOBS_STATE_DIR": state])
                #expect(outcome.code == 69 && outcome.errors.contains("no jobsd runs"), "\(outcome.all)")
                #expect(!outcome.errors.contains("waiting"), "\(outcome.all)")
            }
            #expect(!FileManager.default.fileExists(atPath: state))
        }

        @Test func `the machine's daemon is waited for while it is restarted, and no other queue begun`() async throws {
            let daemon = try Daemon()
            let system = Locations(state: daemon.state, runtime: daemon.state + "/run")
            let own = Locations(state: daemon.scratch.path + "/own", runtime: daemon.scratch.path + "/own")
            func found(isRestarted: Bool = false) -> String {
                JobsClient.find(own, system: system, isRestarted: isRestarted).socket
            }
            #expect(found() == system.socket)
            daemon.kill(SIGTERM)
            #expect(found() == system.socket, "it has just ended")
            try daemon.start()
            daemon.kill(SIGKILL)
            #expect(found() == own.socket, "it may have been killed at any time")
            #expect(found(isRestarted: true) == system.socket)
            let starting = try stalled(daemon)
            #expect(found() == system.socket, "it is starting")
            kill(starting.pid, SIGKILL)
            _ = starting.wait()
            // The user has begun a queue of their own.
            try FileManager.default.createDirectory(atPath: own.runtime, withIntermediateDirectories: true)
            let listening = try LocalSocket.listen(at: own.socket, backlog: 1)
            #expect(found(isRestarted: true) == own.socket)
            withExtendedLifetime(listening) {}
            try FileManager.default.removeItem(atPath: system.runtime)
            #expect(found(isRestarted: true) == own.socket)
        }

        // MARK: Starting

        /// The next daemon of this place, stopped on its way: held up before it has opened its queue, and then by a signal, so
        /// that no patience of its own ends.
        private func stalled(_ daemon: Daemon) throws -> JobsProgram.Running {
            let database = try DatabaseQueue(path: daemon.state + "/jobs.db")
            let starting = try database.writeWithoutTransaction { db in
                try db.execute(sql: "BEGIN EXCLUSIVE")
                let starting = try JobsProgram.Running([Self.jobsd], environment: environment(daemon))
                let life = Locations.lifeSocket(beside: daemon.socket)
                try waitForChange(of: daemon.state + "/run") { LocalSocket.isListening(at: life) }
                kill(starting.pid, SIGSTOP)
                try db.execute(sql: "ROLLBACK")
                return starting
            }
            try database.close()
            return starting
        }

        private static let jobsd = JobsProgram.repository.appending(path: ".build/debug/jobsd").path

        @Test func `every verb waits for a daemon that is starting, and says so on a terminal`() async throws {
            let daemon = try Daemon()
            let id = try await daemon.submit("true", [("--hold", nil)])
            daemon.kill(SIGTERM)
            let starting = try stalled(daemon)
            let verbs = [
                ["status"], ["submit", "--parsable", "--", "true"], ["hold", "\(id)"], ["wait", "-q", "2"],
                ["logs", "-f", "2"],
            ]
            let clients = try verbs.map { words in
                let pair = try Terminal.openPair()
                let running = try JobsProgram.Running(
                    [JobsProgram.path] + words, environment: environment(daemon), terminal: pair.slave)
                return (running, pair.master)
            }
            for (_, terminal) in clients {
                var text = ""
                while !text.contains("\n") { text += String(decoding: try terminal.read(), as: UTF8.self) }
                #expect(text.contains("jobsd is starting or ending; waiting for it"), "\(text)")
            }
            // All wait before the first of them is served; job 2 may come after the two that ask for it.
            kill(starting.pid, SIGCONT)
            let codes = clients.map { $0.0.wait().code }
            #expect(codes[0] == 0 && codes[1] == 0, "\(codes)")
            #expect(codes[2] == 1, "it is held already: \(codes)")
            #expect([0, 1].contains(codes[3]) && [0, 1].contains(codes[4]), "\(codes)")
            kill(starting.pid, SIGTERM)
            _ = starting.wait()
        }

        @Test func `a daemon that ends before it answers is waited for no longer`() async throws {
            let daemon = try Daemon()
            daemon.kill(SIGTERM)
            let starting = try stalled(daemon)
            let pair = try Terminal.openPair()
            let status = try JobsProgram.Running(
                [JobsProgram.path, "status"], environment: environment(daemon), terminal: pair.slave)
            var text = ""
            while !text.contains("waiting for it") { text += String(decoding: try pair.master.read(), as: UTF8.self) }
            // A submission starts one itself, once that place is free.
            let submit = try JobsProgram.Running(
                [JobsProgram.path, "submit", "--parsable", "--", "true"], environment: environment(daemon))
            kill(starting.pid, SIGKILL)
            _ = starting.wait()
            let code = status.wait().code
            #expect(code == 69 || code == 0, "0 if it met the next one")
            let outcome = submit.wait()
            #expect(outcome.code == 0 && outcome.output == "1\n", "\(outcome.all)")
            try endDaemon(at: daemon.socket)
        }

        @Test func `jobsd & jobs submit works each time`() async throws {
            let scratch = try Scratch()
            let script = #"""
                "$1" & daemon=$!
                "$2" submit --parsable -- true; code=$?
                kill $daemon 2>/dev/null; wait $daemon
                exit $code
                """#
            for round in 0..<(Machine.isBuildMachine ? 12 : 3) {
                let state = scratch.path + "/\(round)"
                let outcome = try JobsProgram.execute(
                    [
                        "bash", "-c", script, "bash", Self.jobsd, JobsProgram.path,
                    ], environment: ["JOBS_STATE_DIR": state])
                #expect(outcome.code == 0 && outcome.output == "1\n", "round \(round): \(outcome.all)")
                try endDaemon(at: state + "/run/jobs.sock")
            }
        }

        // MARK: Submissions

        @Test func `submissions while daemons are killed are each queued once`() async throws {
            let scratch = try Scratch()
            let state = scratch.path + "/state"
            let log = scratch.path + "/ran"
            let socket = state + "/run/jobs.sock"
            let rounds = Machine.isBuildMachine ? 30 : 6
            func submit() throws -> JobsProgram.Running {
                try JobsProgram.Running(
                    [
                        JobsProgram.path, "submit", "--parsable", "--", "sh", "-c", "echo $JOBS_ID >> \(log)",
                    ], environment: ["JOBS_STATE_DIR": state])
            }
            var ids: [String] = []
            for _ in 0..<rounds {
                let submissions = try [submit(), submit()]
                usleep(UInt32.random(in: 0...60_000))
                try endDaemon(at: socket, by: SIGKILL)
                for submission in submissions {
                    let outcome = submission.wait()
                    #expect(outcome.code == 0, "\(outcome.all)")
                    ids.append(outcome.output.trimmingCharacters(in: .whitespacesAndNewlines))
                }
            }
            #expect(Set(ids).count == rounds * 2)
            let last = try submit().wait()
            let lastID = try #require(Int(last.output.trimmingCharacters(in: .whitespacesAndNewlines)), "\(last.all)")
            #expect(lastID == rounds * 2 + 1)
            let client = JobsClient(socket: socket)
            _ = try await client.waitForEnd(of: Array(1...lastID))
            let ran = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").compactMap { Int($0) }
            #expect(ran.sorted() == Array(1...lastID))
            try endDaemon(at: socket)
        }
    }
}

/// Ends the daemon that lives at this socket, whoever started it, and waits for that; nothing if there is none.
private func endDaemon(at socket: String, by signal: CInt = SIGTERM) throws {
    guard let life = try? LocalSocket.connect(to: Locations.lifeSocket(beside: socket)) else { return }
    // struct ucred, which Swift's Glibc does not show: the process that listens, its user and its group.
    var credentials: (pid: pid_t, uid: uid_t, gid: gid_t) = (0, 0, 0)
    var length = socklen_t(MemoryLayout.size(ofValue: credentials))
    getsockopt(life.rawValue, SOL_SOCKET, SO_PEERCRED, &credentials, &length)
    guard credentials.pid > 0, let process = held(credentials.pid) else { return }
    try? process.signal(signal)
    #expect(ends(process))
}

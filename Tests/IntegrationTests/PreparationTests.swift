// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import JobModel
import JobsClient
import Testing

extension IntegrationTests {
    /// Attempts that are launched before their turn are nobody's business but the daemon's. What is the same on every
    /// kernel is tested on the build machine alone, for the sake of time.
    @Suite(.needsRoot) struct PreparationTests {
        /// A daemon with one place, in which a long job follows a short one, and the next behind it is prepared.
        private func busy() async throws -> (daemon: Daemon, long: Int, next: Int) {
            let daemon = try Daemon(["--memory", "1G", "--cpus", "1"])
            let (ready, go) = (daemon.scratch.fifo("ready"), daemon.scratch.fifo("go"))
            // Nothing starts, and so nothing is short, before all are there.
            try await daemon.client.post("/v1/drain")
            try await daemon.submit("true")
            let long = try await daemon.submit("echo > \(ready); read x < \(go)")
            let next = try await daemon.submit("echo ran")
            try await daemon.client.post("/v1/undrain")
            _ = line(from: ready)
            try waitForChange(of: daemon.state + "/attempts") { isPrepared(next, daemon) }
            return (daemon, long, next)
        }

        private func isPrepared(_ id: Int, _ daemon: Daemon) -> Bool {
            FileManager.default.fileExists(atPath: "\(daemon.state)/attempts/\(id).1/report")
        }

        private func end(_ daemon: Daemon) { writeLine(daemon.scratch.path + "/go") }

        @Test func `it counts as pending, and its account is its own`() async throws {
            let (daemon, long, next) = try await busy()
            #expect(try await daemon.state(next) == "pending")
            #expect(try await daemon.record(next) == nil)
            end(daemon)
            try await daemon.wait([long, next])
            let record = try #require(try await daemon.record(next))
            #expect(record["state"]?.stringValue == "completed")
            #expect(record["job"]?["attempt"]?.intValue == 1)
            // Nobody ran beside it, though it was there while the long one ran.
            #expect(record["trust"]?.arrayValue?.contains { $0["flag"]?.stringValue == "other-jobs" } == false)
            #expect(try await daemon.output(next) == "ran\n")
        }

        @Test(.onBuildMachine) func `a job that is held or cancelled gives it back`() async throws {
            let (daemon, long, next) = try await busy()
            try await daemon.perform("hold", next)
            #expect(!isPrepared(next, daemon))
            try await daemon.perform("release", next)
            try await daemon.perform("cancel", next)
            #expect(!isPrepared(next, daemon))
            end(daemon)
            try await daemon.wait([long])
            #expect(try await daemon.state(next) == "cancelled")
        }

        @Test(.onBuildMachine) func `a drain takes all of them back`() async throws {
            let (daemon, _, next) = try await busy()
            try await daemon.client.post("/v1/drain")
            #expect(!isPrepared(next, daemon))
            try await daemon.client.post("/v1/undrain")
            end(daemon)
            try await daemon.wait([next])
            #expect(try await daemon.state(next) == "completed")
        }

        @Test(.onBuildMachine)
        func `one that waits for long is taken back, and its job runs all the same`() async throws {
            let (daemon, _, next) = try await busy()
            try waitForChange(of: daemon.state + "/attempts") { !isPrepared(next, daemon) }
            end(daemon)
            try await daemon.wait([next])
            #expect(try await daemon.state(next) == "completed")
            #expect(try await daemon.output(next) == "ran\n")
        }

        @Test(.onBuildMachine) func `a daemon that ends leaves none behind`() async throws {
            let (daemon, long, next) = try await busy()
            daemon.kill(SIGTERM)
            #expect(!isPrepared(next, daemon))
            end(daemon)
            try daemon.start()
            try await daemon.wait([long, next])
            #expect(try await daemon.state(next) == "completed")
        }

        @Test func `a daemon that dies leaves one that never began`() async throws {
            let (daemon, long, next) = try await busy()
            daemon.kill()
            try daemon.start()
            #expect(!isPrepared(next, daemon))
            #expect(try await daemon.state(next) == "pending")
            end(daemon)
            try await daemon.wait([long, next])
            #expect(try await daemon.record(next)?["job"]?["attempt"]?.intValue == 1)
            #expect(try await daemon.output(next) == "ran\n")
        }

        @Test func `somebody kills what waits, and its job runs all the same`() async throws {
            let (daemon, long, next) = try await busy()
            // The newest first, so that it is dead when the place becomes free.
            for pid in inits(of: daemon).sorted().reversed() { kill(pid, SIGKILL) }
            try waitForChange(of: daemon.state + "/attempts") { !isPrepared(next, daemon) }
            // The long one was among them: without its jobs-init nobody knows how it ended.
            try await daemon.wait([long, next])
            #expect(try await daemon.state(long) == "lost", "\(daemon.log(about: long))")
            #expect(try await daemon.state(next) == "completed", "\(daemon.log(about: next))")
        }

        @Test func `without its fork server the daemon starts another`() async throws {
            let daemon = try Daemon()
            try await daemon.wait([try await daemon.submit("true")])
            let forkServer = try #require(inits(of: daemon).first)
            kill(forkServer, SIGKILL)
            let id = try await daemon.submit("true")
            try await daemon.wait([id])
            #expect(try await daemon.state(id) == "completed")
            #expect(inits(of: daemon) != [forkServer])
        }

        private func inits(of daemon: Daemon) -> [pid_t] {
            // Where systemd rules, one that only sleeps holds the jobs' scope.
            children(of: daemon.process.processIdentifier, called: "jobs-init")
        }
    }
}

/// The children of a process that have that name in `/proc`.
func children(of pid: pid_t, called name: String) -> [pid_t] {
    // Each thread has its own.
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
    return tasks.flatMap { task in
        let text = try? String(contentsOfFile: "/proc/\(pid)/task/\(task)/children", encoding: .utf8)
        return (text ?? "").split(separator: " ").compactMap { pid_t($0) }
    }.filter { (try? String(contentsOfFile: "/proc/\($0)/comm", encoding: .utf8)) == name + "\n" }
}

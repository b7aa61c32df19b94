// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import GRDB
import JobModel
import JobsClient
import Linux
import Testing

extension IntegrationTests {
    /// The daemon dies at any moment, and nothing is lost, run twice or left behind.
    @Suite(.needsRoot) struct CrashTests {
        @Test func `a running job outlives kill -9 of the daemon and ends with its full account`() async throws {
            let daemon = try Daemon()
            let (ready, go) = (daemon.scratch.fifo("ready"), daemon.scratch.fifo("go"))
            let script =
                "echo before; echo > \(ready); read x < \(go); head -c 8M /dev/zero | tail | wc -c; echo after; exit 5"
            let id = try await daemon.submit(script, Machine.hasMemory ? [("--memory", "100M")] : [])
            let queued = try await daemon.submit("true", [("--after", "any:\(id)")])
            _ = line(from: ready)
            daemon.kill()
            writeLine(go)
            try daemon.start()
            try await daemon.wait([id, queued])
            let record = try #require(try await daemon.record(id))
            #expect(record["state"]?.stringValue == "failed")
            #expect(record["exit"]?["code"]?.intValue == 5 && record["job"]?["attempt"]?.intValue == 1)
            for key in ["wall_time_usec", "cpu_usage_usec"] {
                #expect(record["usage"]?[key]?.intValue ?? 0 > 0, "\(key)")
            }
            if Machine.hasMemoryPeak { #expect(record["usage"]?["memory_peak_bytes"]?.intValue ?? 0 > 8 << 20) }
            #expect(try await daemon.output(id) == "before\n8388608\nafter\n")
            #expect(try await daemon.state(queued) == "completed")
            expectNothingLeft()
        }

        @Test func `a job that ended while no daemon ran is accounted for by the next`() async throws {
            let daemon = try Daemon()
            let (ready, done) = (daemon.scratch.fifo("ready"), daemon.scratch.fifo("done"))
            let id = try await daemon.submit("echo > \(ready); sleep 0.2; echo > \(done); exit 4")
            _ = line(from: ready)
            daemon.kill()
            _ = line(from: done)
            try daemon.start()
            try await daemon.wait([id])
            let job = try await daemon.job(id)
            #expect(job["state"]?.stringValue == "failed")
            #expect(job["exit_code"]?.intValue == 4 && job["attempt"]?.intValue == 1)
        }

        @Test func `after a reboot what ran is lost and follows its retry rule`() async throws {
            let daemon = try Daemon()
            let ready = daemon.scratch.fifo("ready")
            let lost = try await daemon.submit("echo > \(ready); sleep 1h")
            _ = line(from: ready)
            let again = try await daemon.submit(
                "test -e \(daemon.scratch.path)/second && exit 0; echo > \(ready); sleep 1h",
                [("--retries", "1"), ("--backoff", "1ms")])
            _ = line(from: ready)
            daemon.kill()
            // A reboot to the books: other boot id, no process.
            let database = try DatabaseQueue(path: daemon.state + "/jobs.db")
            try await database.write { try $0.execute(sql: "UPDATE attempts SET boot_id = 'another'") }
            try database.close()
            for pid in jobsInits(below: daemon.state) { Glibc.kill(pid, SIGKILL) }
            _ = FileManager.default.createFile(atPath: daemon.scratch.path + "/second", contents: nil)
            try daemon.start()
            try await daemon.wait([lost], for: ["lost"])
            try await daemon.wait([again], for: ["completed"])
            #expect(try await daemon.job(again)["attempt"]?.intValue == 2)
        }

        /// As systemd does at shutdown, which must not wait for a jobs-init that waits for a daemon.
        @Test func `a job that is ended from outside is lost, and its jobs-init stays for nobody`() async throws {
            let daemon = try Daemon()
            let ready = daemon.scratch.fifo("ready")
            for hasDaemon in [true, false] {
                let id = try await daemon.submit("echo > \(ready); sleep 1h")
                _ = line(from: ready)
                if !hasDaemon { daemon.kill() }
                let process = try #require(jobsInits(below: daemon.state).compactMap(held).first)
                try process.signal(SIGTERM)
                #expect(ends(process), "jobs-init stays")
                if !hasDaemon { try daemon.start() }
                try await daemon.wait([id])
                let job = try await daemon.job(id)
                #expect(job["state"]?.stringValue == "lost", "\(job.text())")
                #expect(job["message"]?.stringValue?.contains("outside") == true, "\(job.text())")
            }
        }

        /// The books: every job ran exactly once, whatever was killed when.
        @Test func `kill -9 at random moments under load loses nothing and runs nothing twice`() async throws {
            let rounds =
                ProcessInfo.processInfo.environment["JOBS_TEST_KILLS"].flatMap { Int($0) }
                ?? (Machine.isBuildMachine ? 300 : 10)
            var seed = UInt64(truncatingIfNeeded: Int(Date().timeIntervalSince1970 * 1000))
            let first = seed
            func random(_ bound: UInt64) -> UInt64 {
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return (seed >> 33) % bound
            }
            let daemon = try Daemon()
            let log = daemon.scratch.path + "/ran"
            _ = FileManager.default.createFile(atPath: log, contents: nil)
            var ids: [Int] = []
            for _ in 0..<rounds {
                // Killed while these are on their way.
                let killer = Task.detached { [delay = random(60_000)] in
                    try await Task.sleep(for: .microseconds(delay))
                    daemon.kill()
                }
                for _ in 0..<12 {
                    // What was answered is on disk; what was not may be there or not.
                    guard let id = try? await daemon.submit("echo $JOBS_ID >> \(log)") else { break }
                    ids.append(id)
                }
                try await killer.value
                try daemon.start()
            }
            for _ in 0..<12 { ids.append(try await daemon.submit("echo $JOBS_ID >> \(log)")) }
            let last = try await daemon.submit("true", [("--priority", "-1000")])
            try await daemon.wait([last])
            try await daemon.wait(ids)
            let ran = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").compactMap { Int($0) }
            #expect(Set(ran).count == ran.count, "seed \(first): some job ran twice")
            let lost = Set(ids).subtracting(ran)
            #expect(lost.isEmpty, "seed \(first): answered and never run: \(lost.sorted())")
            for id in ids {
                let job = try await daemon.job(id)
                #expect(
                    job["state"]?.stringValue == "completed" && job["attempt"]?.intValue == 1,
                    "seed \(first): \(job.text())\n\(daemon.log(about: id))")
            }
            daemon.kill(SIGTERM)
            #expect(jobsInits(below: daemon.state).isEmpty, "seed \(first)")
        }
    }
}

/// The jobs-init processes that report into this state directory.
func jobsInits(below state: String) -> [pid_t] {
    ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }.filter { pid in
        let report = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/4")
        return report?.hasPrefix(state + "/attempts/") == true
    }
}

/// A process that is the same one later, whatever pid is given to whom.
func held(_ pid: pid_t) -> Linux.Process? {
    Linux.Process.find(pid: pid, at: Clock.bootTicks)
}

/// Waits for its end.
func ends(_ process: Linux.Process) -> Bool {
    var entry = pollfd(fd: process.pidfd.rawValue, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, -1) == 1
}

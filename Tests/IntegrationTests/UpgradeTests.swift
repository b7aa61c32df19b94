// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import Glibc
import JobModel
import JobsClient
import Linux
import Testing

extension IntegrationTests {
    /// Jobs that run through an upgrade, a downgrade, or both. A daemon of another version is this one with an environment
    /// variable, by which a debug build writes one more field into each message and one more frame after each
    /// (`FileFormat.testVersion`).
    @Suite(.needsRoot) struct UpgradeTests {
        /// The versions of three daemons, one after the other.
        struct Path: Sendable, CustomTestStringConvertible {
            var versions: [Int]
            var testDescription: String { versions.map { "version +\($0)" }.joined(separator: " → ") }
        }

        /// Two restarts: what the second daemon writes the third one has to understand as well.
        @Test(arguments: [[0, 1, 0], [1, 0, 1], [0, 2, 2], [0, 0, 1], [1, 0, 0]].map { Path(versions: $0) })
        func `jobs run through an upgrade and a downgrade, and each daemon finishes the account`(_ path: Path)
            async throws
        {
            let daemon = try Daemon(version: path.versions[0])
            func fifo(_ name: String) -> String { daemon.scratch.fifo(name) }
            let (ready, go) = ((0..<5).map { fifo("ready\($0)") }, (0..<5).map { fifo("go\($0)") })
            // They end under the second daemon, between daemons, and under the third one.
            let script = { (n: Int) in "echo begun; echo > \(ready[n]); read x < \(go[n]); echo on; exit \(n)" }
            var ids: [Int] = []
            for n in 0..<3 {
                ids.append(try await daemon.submit(script(n), [("--memory", "64M"), ("--wall-time", "1h")]))
            }
            ids.append(
                try await daemon.submit("trap '' TERM; echo > \(ready[3]); read x < \(go[3])", [("--grace", "1s")]))
            for n in 0..<4 { _ = line(from: ready[n]) }

            daemon.kill()
            try daemon.start(version: path.versions[1])
            for id in ids { #expect(try await daemon.state(id) == "running", "\(daemon.log(about: id))") }
            writeLine(go[0])
            try await daemon.wait([ids[0]])
            try await daemon.perform("suspend", ids[2])
            let later = try await daemon.submit(script(4), name: "later")
            _ = line(from: ready[4])

            daemon.kill()
            writeLine(go[1])
            try daemon.start(version: path.versions[2])
            writeLine(go[4])
            try await daemon.perform("resume", ids[2])
            writeLine(go[2])
            try await daemon.perform("cancel", ids[3])
            try await daemon.wait(ids + [later])

            for (n, id) in ids.prefix(3).enumerated() {
                let record = try #require(try await daemon.record(id))
                #expect(record["exit"]?["code"]?.intValue == n, "\(record.text())")
                #expect(record["state"]?.stringValue == (n == 0 ? "completed" : "failed"), "\(record.text())")
                #expect(record["usage"]?["wall_time_usec"]?.intValue ?? 0 > 0, "\(record.text())")
                #expect(record["usage"]?["voluntary_switches"]?.intValue != nil, "\(record.text())")
                #expect(try await daemon.output(id) == "begun\non\n")
            }
            #expect(try await daemon.record(ids[2])?["usage"]?["suspended_usec"]?.intValue ?? 0 > 0)
            #expect(try await daemon.state(ids[3]) == "cancelled")
            #expect(try await daemon.record(later)?["exit"]?["code"]?.intValue == 4)
            #expect(jobsInits(below: daemon.state).isEmpty)
        }

        /// Version +2 needs a reader of its own.
        @Test func `what a daemon cannot read runs on, and the next that can finishes the account`() async throws {
            let daemon = try Daemon(["--memory", "1G", "--cpus", "2"], version: 2)
            let (ready, go) = (daemon.scratch.fifo("ready"), daemon.scratch.fifo("go"))
            let one = try await daemon.submit("echo > \(ready); read x < \(go); exit 3")
            _ = line(from: ready)
            let two = try await daemon.submit("echo > \(ready); read x < \(go); exit 4", [("--wall-time", "1h")])
            _ = line(from: ready)
            let waiting = try await daemon.submit("exit 5")
            let processes = jobsInits(below: daemon.state).compactMap(held)
            #expect(processes.count == 2)
            daemon.kill()

            try daemon.start()
            for id in [one, two] {
                let job = try await daemon.job(id)
                #expect(job["state"]?.stringValue == "running", "\(job.text())")
                #expect(job["reason"]?.stringValue?.contains("of a later version of jobs") == true, "\(job.text())")
                #expect(daemon.log(about: id).contains("of a later version of jobs"), "\(daemon.log(about: id))")
                #expect(try await daemon.client.get("/v1/jobs/\(id)")["live"]?["pids_current"]?.intValue == 1)
            }
            // Their places are taken.
            #expect(try await daemon.state(waiting) == "pending")
            // It would not hear that its clock stands still.
            await #expect(throws: ClientError.self) { try await daemon.perform("suspend", two) }
            try await daemon.perform("cancel", one)
            try await daemon.wait([one, waiting])
            #expect(try await daemon.state(one) == "cancelled")
            #expect(try await daemon.state(waiting) == "failed")
            daemon.kill()

            try daemon.start(version: 2)
            #expect(try await daemon.job(two)["reason"]?.stringValue == nil)
            writeLine(go)
            try await daemon.wait([two])
            #expect(try await daemon.record(two)?["exit"]?["code"]?.intValue == 4, "\(daemon.log(about: two))")
            for process in processes { #expect(ends(process)) }
        }

        @Test func `what a daemon could not read to its end is lost, with the reason, and leaves nothing behind`()
            async throws
        {
            let daemon = try Daemon(version: 2)
            let (ready, go) = (daemon.scratch.fifo("ready"), daemon.scratch.fifo("go"))
            var ids: [Int] = []
            for _ in 0..<2 {
                ids.append(try await daemon.submit("echo > \(ready); read x < \(go)"))
                _ = line(from: ready)
            }
            let inits = jobsInits(below: daemon.state).compactMap(held)
            daemon.kill()
            try daemon.start()
            // One ends by itself, and of one somebody kills jobs-init.
            try inits[1].signal(SIGKILL)
            writeLine(go)
            try await daemon.wait(ids)
            for id in ids {
                let record = try #require(try await daemon.record(id))
                #expect(record["state"]?.stringValue == "lost", "\(record.text())")
                #expect(
                    record["message"]?.stringValue?.contains("of a later version of jobs") == true, "\(record.text())")
                #expect(
                    record["usage"]?["cpu_usage_usec"]?.intValue ?? 0 > 0, "the kernel has counted: \(record.text())"
                )
                #expect(record["unavailable"]?["wall_time_usec"]?.stringValue?.contains("cannot be read") == true)
            }
            for process in inits { #expect(ends(process)) }
            daemon.kill(SIGTERM)
            #expect(try FileManager.default.contentsOfDirectory(atPath: daemon.state + "/attempts").isEmpty)
        }

        /// As after a downgrade from a version whose job files have a setting that this one does not know.
        @Test func `a job whose file a daemon cannot read runs on`() async throws {
            let daemon = try Daemon()
            let (ready, go) = (daemon.scratch.fifo("ready"), daemon.scratch.fifo("go"))
            let id = try await daemon.submit("echo > \(ready); read x < \(go); exit 3")
            _ = line(from: ready)
            func setSpec(_ text: String) throws -> String {
                let database = try DatabaseQueue(path: daemon.state + "/jobs.db")
                defer { try? database.close() }
                return try database.writeWithoutTransaction { db in
                    let before = try String.fetchOne(db, sql: "SELECT spec FROM documents") ?? ""
                    try db.execute(sql: "UPDATE documents SET spec = ?", arguments: [text])
                    return before
                }
            }
            daemon.kill()
            let spec = try setSpec(#"{"text": "{\"a-setting-of-a-later-version\": 1}", "path": "x.yaml"}"#)
            try daemon.start()
            let job = try await daemon.job(id)
            #expect(job["state"]?.stringValue == "running" && job["reason"]?.stringValue != nil, "\(job.text())")
            daemon.kill()
            _ = try setSpec(spec)
            try daemon.start()
            writeLine(go)
            try await daemon.wait([id])
            #expect(try await daemon.record(id)?["exit"]?["code"]?.intValue == 3, "\(daemon.log(about: id))")
        }

        @Test func `a daemon goes on with its own jobs-init when another one is installed`() async throws {
            let daemon = try Daemon(hasOwnPrograms: true)
            try await daemon.wait([try await daemon.submit("true")])
            let installed = daemon.scratch.path + "/jobs-init"
            unlink(installed)
            try "#!/bin/sh\nexit 1\n".write(toFile: installed, atomically: true, encoding: .utf8)
            chmod(installed, 0o755)
            // The one that sleeps beside jobsd has to be started again.
            for forkServer in children(of: daemon.process.processIdentifier, called: "jobs-init") {
                kill(forkServer, SIGKILL)
            }
            let id = try await daemon.submit("exit 3")
            try await daemon.wait([id])
            #expect(try await daemon.record(id)?["exit"]?["code"]?.intValue == 3, "\(daemon.log(about: id))")
        }
    }
}

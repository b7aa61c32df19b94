// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import Glibc
import JobModel
import JobsClient
import Linux
import Testing

extension IntegrationTests {
    /// State that is damaged or gone is told, stops nobody else, and lets nothing run twice.
    @Suite(.needsRoot) struct DamagedStateTests {
        private func damage(_ daemon: Daemon, _ sql: String) throws {
            let database = try DatabaseQueue(path: daemon.state + "/jobs.db")
            try database.writeWithoutTransaction { try $0.execute(sql: sql) }
            try database.close()
        }

        @Test func `a job with a damaged cell is held with the reason and everybody else goes on`() async throws {
            let daemon = try Daemon()
            let log = daemon.scratch.path + "/ran"
            let hold: [(String, String?)] = [("--hold", nil)]
            var damaged: [Int] = []
            let cells = [
                "jobs SET priority = 'x'", "jobs SET owner_uid = 7.5", "jobs SET name = x'00'",
                "jobs SET state = 'sleeping'", "jobs SET attempt = 'x'", "jobs SET submitted_usec = 'x'",
            ]
            for _ in cells { damaged.append(try await daemon.submit("echo $JOBS_ID >> \(log)", hold)) }
            let text = try await daemon.submit("echo $JOBS_ID >> \(log)", hold)
            let healthy = try await daemon.submit("exit 3", hold)
            daemon.kill(SIGTERM)
            try damage(daemon, "PRAGMA ignore_check_constraints = 1; UPDATE jobs SET state = 'pending', reason = NULL")
            for (id, cell) in zip(damaged, cells) {
                try damage(daemon, "PRAGMA ignore_check_constraints = 1; UPDATE \(cell) WHERE id = \(id)")
            }
            try damage(
                daemon,
                "UPDATE documents SET spec = x'00' WHERE id = (SELECT document_id FROM jobs WHERE id = \(text))")
            try daemon.start()
            try await daemon.wait([healthy], for: ["failed"])
            try await daemon.wait([text], for: ["held"])
            for (id, cell) in zip(damaged, cells) {
                let job = try await daemon.job(id)
                #expect(job["state"]?.stringValue == "held", "\(job.text())")
                let column = cell.split(separator: " ")[2]
                #expect(job["reason"]?.stringValue?.contains("jobs.\(column) ") == true, "\(job.text())")
                await #expect(throws: ClientError.self) { try await daemon.perform("release", id) }
                #expect(daemon.log(about: id).contains("is damaged"), "\(daemon.log)")
            }
            #expect(try await daemon.job(text)["reason"]?.stringValue?.contains("documents.spec is a blob") == true)
            let account = try await daemon.client.get("/v1/jobs/\(text)")
            #expect(account["damage"]?.arrayValue?.count == 1, "\(account.text())")
            #expect(try await daemon.client.get("/v1/jobs")["jobs"]?.arrayValue?.count == cells.count + 2)
            for id in damaged + [text] { try await daemon.perform("cancel", id) }
            try await daemon.wait(damaged + [text], for: ["cancelled"])
            #expect(!FileManager.default.fileExists(atPath: log), "a damaged job ran")
        }

        @Test func `what cannot be proven not to have run is lost, and its jobs-init ends`() async throws {
            for victim in ["attempts", "baseline", "report", "cgroup"] {
                let daemon = try Daemon()
                let (ready, log) = (daemon.scratch.fifo("ready"), daemon.scratch.path + "/ran")
                let id = try await daemon.submit("echo $JOBS_ID >> \(log); echo > \(ready); sleep 1h")
                _ = line(from: ready)
                let process = try #require(jobsInits(below: daemon.state).compactMap(held).first)
                daemon.kill()
                let directory = daemon.state + "/attempts/\(id).1"
                switch victim {
                case "attempts": try FileManager.default.removeItem(atPath: daemon.state + "/attempts")
                case "baseline": unlink(directory + "/baseline")
                case "report":
                    // As an empty one, which says that it has not begun; its cgroup knows better.
                    truncate(directory + "/report", 0)
                default:
                    truncate(directory + "/report", 0)
                    let baseline = try String(contentsOfFile: directory + "/baseline", encoding: .utf8)
                    try JSON(parsing: baseline)["name"].map { name in
                        let elsewhere = baseline.replacingOccurrences(of: name.stringValue ?? "", with: "job-0.0")
                        try elsewhere.write(toFile: directory + "/baseline", atomically: false, encoding: .utf8)
                    }
                }
                try daemon.start()
                try await daemon.wait([id])
                #expect(try await daemon.state(id) == "lost", "\(victim): \(daemon.log)")
                #expect(ends(process), "\(victim): its jobs-init stays")
                #expect(try String(contentsOfFile: log, encoding: .utf8) == "\(id)\n", "\(victim): it ran twice")
            }
        }

        /// Without a daemon nobody says the word that it waits for after the end of its command.
        @Test func `a jobs-init whose directory is removed ends by itself`() async throws {
            let daemon = try Daemon()
            for isOver in [false, true] {
                let (ready, go) = (daemon.scratch.fifo("ready-\(isOver)"), daemon.scratch.fifo("go-\(isOver)"))
                let id = try await daemon.submit("echo > \(ready); read x < \(go)")
                _ = line(from: ready)
                let process = try #require(jobsInits(below: daemon.state).compactMap(held).first)
                let directory = daemon.state + "/attempts/\(id).1"
                daemon.kill()
                if isOver {
                    let length = { (try? Data(contentsOf: URL(filePath: directory + "/report")))?.count ?? 0 }
                    let before = length()
                    writeLine(go)
                    try waitForChange(of: directory) { length() > before }
                }
                try FileManager.default.removeItem(atPath: directory)
                if !isOver { writeLine(go) }
                #expect(ends(process))
                try daemon.start()
                try await daemon.wait([id], for: ["lost"])
            }
        }

        @Test func `settings that cannot be understood keep the daemon from starting without them`() async throws {
            let daemon = try Daemon()
            try await daemon.client.post("/v1/drain")
            try await daemon.client.setParallel(1, ofGroup: "gpu")
            daemon.kill(SIGTERM)
            let path = daemon.state + "/settings.json"
            let whole = try String(contentsOfFile: path, encoding: .utf8)
            for text in ["", "{", "[]", "{\"draining\": \"yes\"}", "{\"groups\": {\"gpu\": \"one\"}}"] {
                try text.write(toFile: path, atomically: false, encoding: .utf8)
                let error = #expect(throws: Daemon.Failure.self, "\(text)") { try daemon.start() }
                #expect(error?.description.contains("\(path)") == true, "\(error?.description ?? "")")
                #expect(error?.description.contains("repair it, or remove it") == true)
            }
            unlink(path)
            mkfifo(path, 0o600)
            #expect(throws: Daemon.Failure.self) { try daemon.start() }
            unlink(path)
            try whole.write(toFile: path, atomically: false, encoding: .utf8)
            try daemon.start()
            #expect(try await daemon.client.get("/v1/daemon")["draining"]?.boolValue == true)
        }

        @Test func `a database that is moved away is noticed before the answer, and its return too`() async throws {
            let daemon = try Daemon()
            try await daemon.submit("true", [("--hold", nil)])
            let path = daemon.state + "/jobs.db"
            for suffix in ["", "-wal"] {
                #expect(rename(path + suffix, path + suffix + ".away") == 0)
                let error = await #expect(throws: ClientError.self) { try await daemon.submit("true") }
                #expect("\(error.map { "\($0)" } ?? "")".contains("moved, removed or replaced"))
                #expect(rename(path + suffix + ".away", path + suffix) == 0)
                // It looks again by itself.
                try waitForChange(of: daemon.scratch.path) {
                    daemon.log.components(separatedBy: "takes writes again").count > (suffix.isEmpty ? 1 : 2)
                }
            }
            let id = try await daemon.submit("true")
            try await daemon.wait([id], for: ["completed"])
        }

        @Test func `a job over which jobsd died twice is held with the reason, and released by a person`() async throws
        {
            let daemon = try Daemon()
            let log = daemon.scratch.path + "/ran"
            let ready = daemon.scratch.fifo("ready")
            let hold: [(String, String?)] = [("--hold", nil)]
            let waiting = try await daemon.submit("echo $JOBS_ID >> \(log)", hold)
            let innocent = try await daemon.submit("exit 3", hold)
            let running = try await daemon.submit("echo > \(ready); sleep 1h")
            _ = line(from: ready)
            daemon.kill()
            try damage(daemon, "UPDATE jobs SET state = 'pending', reason = NULL WHERE state = 'held'")
            // What the handler writes, which a unit test holds.
            let text = "\(waiting) 4\n\(innocent) 4\n\(running) 11\n\(waiting) 11\n\(running) 4\nx\n1 2 3\n99 4\n99 4\n"
            let crashes = daemon.state + "/crashes"
            try text.write(toFile: crashes, atomically: false, encoding: .utf8)
            let inits = jobsInits(below: daemon.state).compactMap(held)
            try daemon.start()
            try await daemon.wait([innocent], for: ["failed"])
            try await daemon.wait([waiting, running], for: ["held"])
            for id in [waiting, running] {
                let reason = try await daemon.job(id)["reason"]?.stringValue ?? ""
                #expect(reason.contains("jobsd died 2 times while it started or ended this job (SIG"), "\(reason)")
            }
            for process in inits { #expect(ends(process), "the attempt that was given up goes on") }
            #expect(try await daemon.record(running)?["state"]?.stringValue == "lost")
            // They stay held until somebody says so; the others are forgotten.
            daemon.kill()
            try daemon.start()
            for id in [waiting, running] { #expect(try await daemon.state(id) == "held") }
            #expect(!FileManager.default.fileExists(atPath: log))
            let left = try String(contentsOfFile: crashes, encoding: .utf8).split(separator: "\n")
            #expect(Set(left.map { $0.split(separator: " ")[0] }) == ["\(waiting)", "\(running)"], "\(left)")
            try await daemon.perform("release", waiting)
            try await daemon.wait([waiting], for: ["completed"])
            try await daemon.perform("cancel", running)
        }

        @Test func `whoever kills jobsd leaves no mark on a job`() async throws {
            let daemon = try Daemon()
            for signal in [SIGKILL, SIGABRT, SIGSEGV] {
                let ready = daemon.scratch.fifo("ready-\(signal)")
                let id = try await daemon.submit("echo > \(ready); sleep 1h")
                _ = line(from: ready)
                daemon.kill(signal)
                #expect(daemon.process.terminationReason == .uncaughtSignal)
                try daemon.start()
                #expect(try await daemon.state(id) == "running")
                #expect(try Data(contentsOf: URL(filePath: daemon.state + "/crashes")).isEmpty)
                try await daemon.perform("cancel", id)
                try await daemon.wait([id])
            }
        }

        @Test func `another program's database is refused`() throws {
            let daemon = try Daemon()
            daemon.kill(SIGTERM)
            unlink(daemon.state + "/jobs.db")
            try damage(daemon, "CREATE TABLE moz_places (id INTEGER PRIMARY KEY)")
            let error = #expect(throws: Daemon.Failure.self) { try daemon.start() }
            #expect(error?.description.contains("the database of another program") == true)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import JobModel
import JobsClient
import Linux
import Supervisor
import Testing

extension IntegrationTests {
    /// What the machine does to a daemon: a clear word, nothing lost, and it goes on when it can.
    @Suite(.needsRoot) struct FaultTests {
        @Test func `on a full disk what runs goes on, nothing is lost, and the queue goes on by itself`() async throws {
            let daemon = try Daemon(mount: "size=4m")
            let (ready, go) = (daemon.scratch.fifo("ready"), daemon.scratch.fifo("go"))
            let running = try await daemon.submit("echo > \(ready); read x < \(go); exit 6")
            _ = line(from: ready)
            let waiting = try await daemon.submit("true", [("--after", "any:\(running)")])
            let filler = daemon.seenState + "/filler"
            let file = try FileHandle(forWritingTo: URL(filePath: made(filler)))
            while (try? file.write(contentsOf: Data(count: 4096))) != nil {}
            try file.close()
            await #expect(throws: ClientError.self) {
                for _ in 0..<200 { try await daemon.submit("true", [("--hold", nil)]) }
            }
            let reason = try await daemon.job(waiting)["reason"]?.stringValue ?? ""
            #expect(reason.contains("full"), "\(reason)")
            // What cannot be written has not happened.
            await #expect(throws: ClientError.self) { try await daemon.perform("cancel", waiting) }
            await #expect(throws: ClientError.self) { try await daemon.perform("hold", waiting) }
            await #expect(throws: ClientError.self) { try await daemon.perform("suspend", running) }
            writeLine(go)
            unlink(filler)
            try await daemon.wait([running, waiting])
            let job = try await daemon.job(running)
            #expect(job["exit_code"]?.intValue == 6 && job["attempt"]?.intValue == 1, "\(job.text())")
            #expect(try await daemon.state(waiting) == "completed")
            #expect(daemon.log.contains("the disk takes writes again"), "\(daemon.log)")
            // One line for the trouble, not one for each try.
            #expect(daemon.log.components(separatedBy: " error ").count < 10, "\(daemon.log)")
            daemon.kill(SIGTERM)
        }

        @Test func `an end that cannot be recorded is recorded by a later daemon, and nothing runs again`() async throws
        {
            let daemon = try Daemon()
            let ready = daemon.scratch.fifo("ready")
            let go = [daemon.scratch.fifo("go-1"), daemon.scratch.fifo("go-2")]
            let log = daemon.scratch.path + "/ran"
            func script(_ go: String) -> String {
                """
                echo $JOBS_ATTEMPT >> \(log)
                test $JOBS_ATTEMPT = 2 || { echo > \(ready); read x < \(go); exit 4; }
                """
            }
            let once = try await daemon.submit(script(go[0]))
            _ = line(from: ready)
            let again = try await daemon.submit(script(go[1]), [("--retries", "1"), ("--backoff", "0s")])
            _ = line(from: ready)
            daemon.kill()
            let wal =
                try FileManager.default.attributesOfItem(atPath: daemon.state + "/jobs.db-wal")[.size] as? Int ?? 0
            // Not a page more: what these two daemons want to write fails, from their first breath on.
            for round in 0..<2 {
                let errors = daemon.log.components(separatedBy: " error ").count
                try daemon.start(largestFile: wal / 1024)
                if round == 0 { for fifo in go { writeLine(fifo) } }
                try waitForChange(of: daemon.scratch.path) {
                    daemon.log.components(separatedBy: " error ").count > errors
                }
                daemon.kill()
            }
            try daemon.start()
            try await daemon.wait([once, again])
            let job = try await daemon.job(once)
            #expect(job["exit_code"]?.intValue == 4 && job["attempt"]?.intValue == 1, "\(job.text())\n\(daemon.log)")
            let other = try await daemon.job(again)
            #expect(other["state"]?.stringValue == "completed" && other["attempt"]?.intValue == 2, "\(other.text())")
            let ran = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
            #expect(ran.sorted() == ["1", "1", "2"], "\(ran)\n\(daemon.log)")
        }

        @Test func `an attempt whose files were damaged runs on, one without a report is lost, and neither runs again`()
            async throws
        {
            let daemon = try Daemon()
            let ready = daemon.scratch.fifo("ready")
            let log = daemon.scratch.path + "/ran"
            var ids: [Int] = []
            for _ in 0..<3 {
                ids.append(try await daemon.submit("echo $JOBS_ID >> \(log); echo > \(ready); sleep 1h"))
                _ = line(from: ready)
            }
            daemon.kill()
            let folders = ids.map { daemon.state + "/attempts/\($0).1" }
            let inits = jobsInits(below: daemon.state).compactMap(held)
            #expect(inits.count == 3)
            try Data("garbage".utf8).write(to: URL(filePath: folders[0] + "/report"))
            unlink(folders[1] + "/report")
            try Data("{".utf8).write(to: URL(filePath: folders[2] + "/baseline"))
            try daemon.start()
            try await daemon.wait([ids[1]])
            #expect(try await daemon.state(ids[1]) == "lost", "\(daemon.log(about: ids[1]))")
            for index in [0, 2] {
                let job = try await daemon.job(ids[index])
                #expect(job["state"]?.stringValue == "running", "\(daemon.log(about: ids[index]))")
                #expect(job["reason"]?.stringValue?.contains("cannot read \(folders[index])/") == true, "\(job.text())")
                try await daemon.perform("cancel", ids[index])
                try await daemon.wait([ids[index]])
                #expect(try await daemon.state(ids[index]) == "cancelled", "\(daemon.log(about: ids[index]))")
            }
            #expect(try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").count == 3)
            for process in inits { #expect(ends(process), "a jobs-init stays") }
        }

        private func made(_ path: String) -> String {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
            return path
        }

        @Test func `a daemon that does not start leaves nothing behind`() throws {
            let scratch = try Scratch()
            let jobsd = JobsProgram.repository.appending(path: ".build/debug/jobsd").path
            let place = scratch.path + "/state"
            let bare = ["unshare", "-m", "sh", "-c", "umount -l -R /sys/fs/cgroup && exec \"$@\"", "sh"]
            let starts: [(words: [String], prefix: [String])] = [
                (["--quota", "x=1"], []), (["--pids", "0"], []), (["--memory", "1X"], []), ([], bare),
                ([], ["sh", "-c", "ulimit -n 63; exec \"$@\"", "sh"]),
            ]
            for start in starts {
                let outcome = try JobsProgram.execute(
                    start.prefix + [jobsd] + start.words, environment: ["JOBS_STATE_DIR": place])
                #expect(outcome.code != 0, "\(start): \(outcome.all)")
                #expect(!FileManager.default.fileExists(atPath: place), "\(start): \(outcome.all)")
            }
            // The same by a submission, which says what jobsd said.
            let outcome = try JobsProgram.execute(
                bare + [JobsProgram.path, "submit", "--", "true"], environment: ["JOBS_STATE_DIR": place])
            #expect(outcome.code == 69 && outcome.errors.contains("jobsd did not start: "), "\(outcome.all)")
            #expect(!FileManager.default.fileExists(atPath: place), "\(outcome.all)")
        }

        @Test func `a daemon that fails when it has its cgroups leaves none, and no scope`() throws {
            let scratch = try Scratch()
            let state = scratch.path + "/state"
            try FileManager.default.createDirectory(
                atPath: state, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try Data(repeating: 0x2a, count: 8192).write(to: URL(filePath: state + "/jobs.db"))
            let outcome = try JobsProgram.execute(
                [JobsProgram.repository.appending(path: ".build/debug/jobsd").path],
                environment: ["JOBS_STATE_DIR": state, "JOBS_RUNTIME_DIR": scratch.path + "/run"])
            #expect(outcome.code == 1 && outcome.errors.contains("not a database"), "\(outcome.all)")
            #expect(!FileManager.default.fileExists(atPath: scratch.path + "/run"))
            let name = Workplace.queueName(stateDirectory: state)
            let tree = FileManager.default.enumerator(atPath: "/sys/fs/cgroup")
            while let path = tree?.nextObject() as? String {
                guard path.split(separator: "/").last?.hasPrefix(name) == true else { continue }
                // systemd removes a scope some time after its last process.
                let events = "/sys/fs/cgroup/\(path)/cgroup.events"
                let isEmpty = (try? Files.read(events))?.contains("populated 0") ?? !Files.exists(events)
                #expect(Machine.hasSystemd && isEmpty, "\(path)")
            }
        }

        @Test func `a submission that is refused leaves no directory, also if it was being launched`() async throws {
            let daemon = try Daemon()
            // The first makes what is there for all.
            try await daemon.wait([try await daemon.submit("true")])
            func files() throws -> [String] {
                try FileManager.default.subpathsOfDirectory(atPath: daemon.state).filter { !$0.hasPrefix("jobs.db") }
                    .sorted()
            }
            let before = try files()
            for bad in [
                "", "{}", #"{"job":{"text":"x"},"directory":"/"}"#,
                #"{"job":{"text":"command: x\nafter: 77"},"directory":"/"}"#,
            ] {
                #expect(try daemon.ask("POST", "/v1/jobs", bad).status == 400, "\(bad)")
            }
            #expect(try files() == before)
            // Its attempt is launched while its commit is on its way, which the disk refuses.
            daemon.kill()
            let wal = try Files.status(daemon.state + "/jobs.db-wal").st_size
            try daemon.start(largestFile: Int(wal) / 1024)
            let refused = await #expect(throws: ClientError.self) { try await daemon.submit("true") }
            #expect(refused?.exitCode == 75, "\(String(describing: refused))")
            try waitForChange(of: daemon.state + "/attempts") {
                try FileManager.default.contentsOfDirectory(atPath: daemon.state + "/attempts").isEmpty
            }
            #expect(jobsInits(below: daemon.state).isEmpty)
        }

        @Test func `a state directory that cannot be written to is refused with the reason`() throws {
            let error = #expect(throws: Daemon.Failure.self) { try Daemon(mount: "ro") }
            #expect(error?.description.contains("Read-only file system") == true, "\(error?.description ?? "")")
        }

        @Test func `a damaged database is refused and left alone`() async throws {
            let daemon = try Daemon()
            try await daemon.submit("true", [("--hold", nil)])
            daemon.kill(SIGTERM)
            let path = daemon.state + "/jobs.db"
            let whole = try Data(contentsOf: URL(filePath: path))
            let garbage = Data(repeating: 0x2a, count: whole.count)
            try garbage.write(to: URL(filePath: path))
            let error = #expect(throws: Daemon.Failure.self) { try daemon.start() }
            #expect(error?.description.contains("not a database") == true, "\(error?.description ?? "")")
            #expect(try Data(contentsOf: URL(filePath: path)) == garbage)
            // Damaged inside: what can be read is, and nothing is guessed.
            var holed = whole
            holed.replaceSubrange(
                4096..<min(whole.count, 3 * 4096), with: Data(repeating: 0x2a, count: min(whole.count, 3 * 4096) - 4096)
            )
            try holed.write(to: URL(filePath: path))
            #expect(throws: Daemon.Failure.self) { try daemon.start() }
            try whole.write(to: URL(filePath: path))
            try daemon.start()
            #expect(try await daemon.state(1) == "held")
        }

        @Test func `an attempt whose processes and cgroup vanished while no daemon ran ends with that reason`()
            async throws
        {
            let daemon = try Daemon()
            let ready = daemon.scratch.fifo("ready")
            let id = try await daemon.submit("echo > \(ready); sleep 1h", [("--pids", "20")])
            _ = line(from: ready)
            daemon.kill()
            let baseline = try String(
                contentsOfFile: daemon.state + "/attempts/\(id).1/baseline", encoding: .utf8)
            for process in jobsInits(below: daemon.state).compactMap(held) {
                try process.signal(SIGKILL)
                #expect(ends(process))
            }
            // Every directory that its note names; those of one that was killed are empty.
            let paths = Set(
                baseline.split(separator: "\"").filter { $0.hasPrefix("/sys/fs/cgroup") && $0.hasSuffix("job-\(id).1") }
            )
            #expect(!paths.isEmpty, "\(baseline)")
            for path in paths { try removeCgroup(String(path)) }
            try daemon.start()
            try await daemon.wait([id])
            let job = try await daemon.job(id)
            #expect(job["state"]?.stringValue == "lost", "\(job.text())\n\(daemon.log)")
            #expect(job["message"]?.stringValue?.isEmpty == false)
            let next = try await daemon.submit("true")
            try await daemon.wait([next], for: ["completed"])
        }

        private func removeCgroup(_ path: String) throws {
            // The kernel takes a moment to let go of the dead.
            while rmdir(path) != 0, errno != ENOENT {
                try #require(errno == EBUSY, "rmdir \(path): \(errno)")
                sched_yield()
            }
        }

        /// Only where the clock is ours to set.
        @Test(.inVirtualMachine) func `a jump of the clock starts what is due and ends nothing`()
            async throws
        {
            let daemon = try Daemon()
            let (ready, go) = (daemon.scratch.fifo("ready"), daemon.scratch.fifo("go"))
            let running = try await daemon.submit("echo > \(ready); read x < \(go); exit 9", [("--wall-time", "1h")])
            _ = line(from: ready)
            let due = try await daemon.submit("true", [("--begin", "now+2h")])
            func jump(_ hours: Int) throws {
                var now = timespec()
                clock_gettime(CLOCK_REALTIME, &now)
                now.tv_sec += hours * 3600
                try #require(clock_settime(CLOCK_REALTIME, &now) == 0)
            }
            try jump(3)
            try await daemon.wait([due], for: ["completed"])
            try jump(-3)
            let later = try await daemon.submit("true", [("--begin", "now+1h")])
            writeLine(go)
            try await daemon.wait([running])
            let job = try await daemon.job(running)
            #expect(job["exit_code"]?.intValue == 9, "\(job.text())")
            let wall = try await daemon.record(running)?["usage"]?["wall_time_usec"]?.intValue ?? 0
            #expect((1..<3_600_000_000).contains(wall))
            #expect(try await daemon.state(later) == "pending")
            try jump(2)
            try await daemon.wait([later], for: ["completed"])
            try jump(-2)
        }
    }
}

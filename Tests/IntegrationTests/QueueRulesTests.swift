// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import JobModel
import JobsAPI
import JobsClient
import Testing

extension IntegrationTests {
    /// What the queue promises beyond a single job: what stays, what follows what, what outlives a restart.
    @Suite(.needsRoot) struct QueueRulesTests {
        @Test func `finished jobs leave with their output when there are too many of them`() async throws {
            let daemon = try Daemon(["--cpus", "1", "--keep-jobs", "3", "--keep-bytes", "100K"])
            var ids: [Int] = []
            for _ in 0..<6 { ids.append(try await daemon.submit("echo hello")) }
            try await daemon.wait([ids[5]])
            let large = try await daemon.submit("head -c 90K /dev/zero")
            let last = try await daemon.submit("head -c 20K /dev/zero")
            try await daemon.wait([last])
            // A removal is no event, so the last look is made to happen: after a restart.
            daemon.kill(SIGTERM)
            try daemon.start()
            let log = daemon.log
            let left = try await daemon.client.jobs(JobQuery()).map(\.id)
            #expect(left == [last], "\(left)\n\(log)")
            let folders = try FileManager.default.contentsOfDirectory(atPath: daemon.state + "/attempts")
            #expect(folders == ["\(last).1"], "\(folders)")
            await #expect(throws: ClientError.self) { try await daemon.output(large) }
            // Its id stays used.
            #expect(try await daemon.submit("true") == last + 1)
        }

        @Test func `finished jobs leave when they are old`() async throws {
            let daemon = try Daemon(["--keep-age", "1s"])
            let live = try await daemon.submit("true", [("--hold", nil)])
            let folder = daemon.state + "/attempts"
            // And again, when there was nothing left to wait for.
            for _ in 0..<2 {
                let ready = daemon.scratch.fifo("ready-\(UUID().uuidString)")
                try await daemon.submit("echo hello; echo > \(ready)")
                _ = line(from: ready)
                // It is gone soon after its end, perhaps before anybody asks for it. The folder changes by the removal, which nobody announces.
                try waitForChange(of: folder) { try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty }
            }
            daemon.kill(SIGTERM)
            try daemon.start()
            #expect(try await daemon.client.jobs(JobQuery()).map(\.id) == [live])
        }

        @Test func `a group's jobs run no more at once than it says, also after a restart`() async throws {
            let daemon = try Daemon()
            func jobs(_ words: String...) throws -> JobsProgram.Outcome {
                try JobsProgram.execute([JobsProgram.path] + words, environment: ["JOBS_STATE_DIR": daemon.state])
            }
            let set = try jobs("group", "disk", "--parallel", "0")
            #expect(set.code == 0 && set.output.contains("disk") && set.output.contains("0"), "\(set.all)")
            let waiting = try await daemon.submit("true", [("--queue-group", "disk")])
            let other = try await daemon.submit("true")
            try await daemon.wait([other])
            daemon.kill()
            try daemon.start()
            let reason = try await daemon.job(waiting)["reason"]?.stringValue ?? ""
            #expect(reason.contains("disk"), "\(reason)")
            #expect(try jobs("group", "disk", "--parallel", "unlimited").code == 0)
            try await daemon.wait([waiting], for: ["completed"])
            for bad in [
                ["group", "--parallel", "1"], ["group", "disk", "--parallel", "-1"],
                ["group", "a/b", "--parallel", "1"],
            ] {
                let refused = try JobsProgram.execute(
                    [JobsProgram.path] + bad, environment: ["JOBS_STATE_DIR": daemon.state])
                #expect(refused.code == 64 || refused.code == 65, "\(bad): \(refused.all)")
            }
        }

        @Test func `following goes on without a gap through a restart of the daemon`() async throws {
            let daemon = try Daemon()
            let (ready, go) = (daemon.scratch.fifo("ready"), daemon.scratch.fifo("go"))
            let steps = "for i in 1 2 3; do echo line $i; echo > \(ready); read x < \(go); done; echo end"
            let id = try await daemon.submit(steps)
            let heard = AsyncStream.makeStream(of: String.self)
            let client = daemon.client
            let following = Task {
                try await client.followOutput(of: id, "stdout") {
                    heard.continuation.yield(String(decoding: $0, as: UTF8.self))
                }
                heard.continuation.finish()
            }
            var text = ""
            var pieces = heard.stream.makeAsyncIterator()
            for step in 1...3 {
                _ = line(from: ready)
                while !text.contains("line \(step)\n"), let piece = await pieces.next() { text += piece }
                // Once from behind, once in order.
                if step < 3 {
                    daemon.kill(step == 1 ? SIGKILL : SIGTERM)
                    try daemon.start()
                }
                writeLine(go)
            }
            while let piece = await pieces.next() { text += piece }
            try await following.value
            #expect(text == "line 1\nline 2\nline 3\nend\n")
        }

        @Test func `history knows when a job ended`() async throws {
            let daemon = try Daemon()
            let id = try await daemon.submit("true")
            try await daemon.wait([id])
            let ended = try #require(try await daemon.job(id)["ended_at"]?.stringValue)
            func found(_ since: String) async throws -> [Int] {
                try await daemon.client.get("/v1/jobs?since=\(since)")["jobs"]?.arrayValue?.compactMap {
                    $0["id"]?.intValue
                }
                    ?? []
            }
            #expect(try await found(ended) == [id])
            #expect(try await found("2999-01-01T00:00:00Z") == [])
            #expect(try daemon.ask("GET", "/v1/jobs?since=yesterday-ish", "").status == 400)
        }

        @Test(.onBuildMachine)
        func `thousands of jobs that cannot be launched fail one after the other`() async throws {
            let daemon = try Daemon()
            let first = try await daemon.submit(
                "true", [("--array", "0-1999"), ("--user", "nobody-of-that-name")])
            try await daemon.wait([first + 1999])
            let job = try await daemon.job(first + 1999)
            #expect(job["state"]?.stringValue == "failed", "\(job.text())")
        }

        @Test(.onBuildMachine) func `of many who retry a job at once, one does`() async throws {
            let daemon = try Daemon()
            let id = try await daemon.submit("false")
            try await daemon.wait([id])
            let client = daemon.client
            let done = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<20 { group.addTask { (try? await client.post("/v1/jobs/\(id)/retry")) != nil } }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(done >= 1)
            try await daemon.wait([id])
            #expect(try await daemon.job(id)["attempt"]?.intValue ?? 0 == done + 1)
        }

        @Test(.onBuildMachine) func `who waits through a burst of changes hears of its end`()
            async throws
        {
            let daemon = try Daemon()
            let (ready, go) = (daemon.scratch.fifo("ready"), daemon.scratch.fifo("go"))
            let first = try await daemon.submit("echo > \(ready); read x < \(go); false")
            let array = try await daemon.submit("true", [("--array", "0-4999"), ("--after", "ok:\(first)")])
            _ = line(from: ready)
            let client = daemon.client
            let waiting = Task { try await client.waitForEnd(of: [first] + Array(array..<array + 5000)) }
            // Whether the waiting has begun by now or not, it has to end.
            writeLine(go)
            let ended = try await waiting.value
            #expect(ended.count == 5001 && ended.dropFirst().allSatisfy { $0.state == .skipped })
        }

        @Test func `a skipped job that was retried by hand stays retried through a restart`() async throws {
            let daemon = try Daemon()
            let first = try await daemon.submit("false")
            let id = try await daemon.submit("true", [("--after", "ok:\(first)")])
            try await daemon.wait([id], for: ["skipped"])
            try await daemon.client.post("/v1/drain")
            try await daemon.perform("retry", id)
            daemon.kill()
            try daemon.start()
            #expect(try await daemon.state(id) == "pending")
            try await daemon.client.post("/v1/undrain")
            try await daemon.wait([id], for: ["completed"])
        }

        @Test(.onBuildMachine)
        func `status of ten thousand jobs is a screen, and counts them all`() async throws {
            let daemon = try Daemon()
            try await daemon.client.post("/v1/drain")
            try await daemon.submit("true", [("--array", "0-9899")], name: "sweep")
            for index in 0..<100 { try await daemon.submit("true", [("--priority", "\(index % 3)")]) }
            let shown = try JobsProgram.execute(
                [JobsProgram.path, "status"], environment: ["JOBS_STATE_DIR": daemon.state])
            let lines = shown.output.split(separator: "\n")
            #expect(lines.first?.hasPrefix("0 running, 10,000 pending, 0 finished today") == true, "\(shown.all)")
            #expect(lines.count < 30 && shown.output.contains("sweep[0-9899]") == false, "\(shown.all)")
            #expect(lines.last == "… and 9,985 more (jobs status --all)", "\(shown.all)")
        }

        /// Between a job's end and the disk's knowledge of it.
        @Test(.onBuildMachine)
        func `who depends on jobs that are just ending is not skipped`() async throws {
            let daemon = try Daemon()
            var dependents: [Int] = []
            for round in 0..<20 {
                try await daemon.submit("true", [("--array", "0-7")], name: "parts-\(round)")
                for _ in 0..<4 {
                    dependents.append(try await daemon.submit("true", [("--after", "ok:parts-\(round)")]))
                }
            }
            try await daemon.wait(dependents)
            for id in dependents {
                #expect(try await daemon.state(id) == "completed", "\(daemon.log(about: id))")
            }
        }

        @Test(.onBuildMachine)
        func `a list of one state holds all of it and says nothing of others`() async throws {
            let daemon = try Daemon()
            let place = ["JOBS_STATE_DIR": daemon.state]
            let id = try await daemon.submit("exit 3")
            try await daemon.wait([id])
            try await daemon.submit("true", [("--array", "0-1099"), ("--hold", nil)], name: "bulk")
            func status(_ words: String...) throws -> JobsProgram.Outcome {
                try JobsProgram.execute([JobsProgram.path, "status"] + words, environment: place)
            }
            #expect(try status("--state", "held").output.hasPrefix("1,100 held\n"))
            let json = try JSON(parsing: try status("--state", "held", "--json").output)
            #expect(json["jobs"]?.arrayValue?.count == 1100)
            #expect(try status("--state", "pending,running").output == "No job is pending or running.\n")
            #expect(try status("--watch").code == 64, "not on a terminal")
            let history = try JobsProgram.execute([JobsProgram.path, "history", "--state", "held"], environment: place)
            #expect(history.code == 64 && history.errors.contains("held"), "\(history.all)")
        }

        @Test func `the name of an array means all of its jobs`() async throws {
            let daemon = try Daemon()
            let first = try await daemon.submit(
                "test $JOBS_ARRAY_INDEX != 1", [("--array", "0-2"), ("--hold", nil)], name: "parts")
            let all = try await daemon.submit("true", [("--after", "any:parts")])
            let ok = try await daemon.submit("true", [("--after", "parts")])
            let failed = try await daemon.submit("true", [("--after", "failed:parts")])
            for id in first..<first + 3 { try await daemon.perform("release", id) }
            try await daemon.wait(Array(first..<first + 3) + [all, ok, failed])
            #expect(try await daemon.state(all) == "completed")
            #expect(try await daemon.state(failed) == "completed")
            #expect(try await daemon.state(ok) == "skipped")
            let began = try await daemon.job(all)["started_at"]?.stringValue ?? ""
            for id in first..<first + 3 { #expect(try await daemon.job(id)["ended_at"]?.stringValue ?? "~" <= began) }
        }

        @Test func `cancelling an array by its name starts none of it`() async throws {
            let daemon = try Daemon()
            let ready = daemon.scratch.fifo("ready")
            let first = try await daemon.submit(
                "test $JOBS_ARRAY_INDEX != 0 || echo > \(ready); sleep 1h", [("--array", "0-9%1")], name: "many")
            _ = line(from: ready)
            let cancelled = try JobsProgram.execute(
                [JobsProgram.path, "cancel", "many"], environment: ["JOBS_STATE_DIR": daemon.state])
            #expect(cancelled.code == 0, "\(cancelled.all)")
            try await daemon.wait(Array(first..<first + 10), for: ["cancelled"])
            for id in first + 1..<first + 10 { #expect(try await daemon.job(id)["attempt"]?.intValue == 0) }
        }

        @Test func `a suspended job's wall time stands still, also through a restart`() async throws {
            let daemon = try Daemon()
            let (ready, go) = (daemon.scratch.fifo("ready"), daemon.scratch.fifo("go"))
            // A limit that is not over before the job is suspended, however slow the machine.
            var limit = 1
            var id = 0
            while true {
                id = try await daemon.submit("echo > \(ready); read x < \(go)", [("--wall-time", "\(limit)s")])
                _ = line(from: ready)
                if (try? await daemon.perform("suspend", id)) != nil { break }
                try await daemon.wait([id], for: ["timeout"])
                limit *= 8
            }
            daemon.kill()
            try daemon.start()
            // Longer than its limit; that it is over is told by another job's end.
            let clock = try await daemon.submit("sleep \(limit).5")
            try await daemon.wait([clock])
            #expect(try await daemon.state(id) == "suspended")
            // And goes on after it.
            try await daemon.perform("resume", id)
            try await daemon.wait([id], for: ["timeout"])
            let wall = try await daemon.record(id)?["usage"]?["wall_time_usec"]?.intValue ?? 0
            #expect(wall > limit * 2_000_000, "\(wall)")
        }

        @Test(.needsMemory) func `what is held at its memory ceiling is released with more`()
            async throws
        {
            let daemon = try Daemon()
            let id = try await daemon.submit(
                "head -c 60M /dev/zero | tail | wc -c",
                [("--memory", "20M"), ("--oom-factor", "2"), ("--oom-max", "20M")])
            try await daemon.wait([id], for: ["held"])
            let reason = try await daemon.job(id)["reason"]?.stringValue ?? ""
            #expect(reason.contains("jobs release --memory"), "\(reason)")
            let released = try JobsProgram.execute(
                [JobsProgram.path, "release", "\(id)", "--memory", "150M"],
                environment: ["JOBS_STATE_DIR": daemon.state])
            #expect(released.code == 0, "\(released.all)")
            try await daemon.wait([id], for: ["completed"])
            let record = try #require(try await daemon.record(id))
            #expect(record["limits"]?["memory_bytes"]?.intValue == 150 << 20)
            #expect(record["trust"]?.arrayValue?.contains { $0["flag"]?.stringValue == "other-jobs" } == false)
        }

        @Test func `draining holds through a restart until it is ended`() async throws {
            let daemon = try Daemon()
            try await daemon.client.post("/v1/drain")
            daemon.kill()
            try daemon.start()
            let id = try await daemon.submit("true")
            let reason = try await daemon.job(id)["reason"]?.stringValue ?? ""
            #expect(reason.contains("drain"), "\(reason)")
            try await daemon.client.post("/v1/undrain")
            try await daemon.wait([id], for: ["completed"])
        }

        /// Raised by the daemon's own, a limit that an administrator has set for a user would be no limit.
        @Test func `a job has the hard limits of its submitter`() throws {
            let daemon = try Daemon()
            let environment = ["JOBS_STATE_DIR": daemon.state, "JOBS_RUNTIME_DIR": daemon.state + "/run"]
            let job = "ulimit -Hn; ulimit -Sn; ulimit -n 300 && echo raised"
            let submit = try JobsProgram.execute(
                [
                    "sh", "-c", "ulimit -Sn 200; ulimit -Hn 256; exec \"$@\"", "sh", JobsProgram.path, "submit",
                    "--wait",
                    "--", "sh", "-c", job,
                ], environment: environment)
            #expect(submit.code != 0, "\(submit.all)")
            let logs = try JobsProgram.execute([JobsProgram.path, "logs", "1"], environment: environment)
            #expect(logs.output.hasPrefix("256\n200\n") && !logs.output.contains("raised"), "\(logs.all)")
        }

        @Test func `the number that changes no id is refused as a user`() throws {
            for words in [["--user", "4294967295"], ["--user", "4294967295", "--group", "nogroup"]] {
                let run = try JobsProgram.run(words + ["--", "id", "-u"])
                #expect(run.code == 125 && run.errors.contains("there is no user '4294967295'"), "\(run.all)")
            }
        }

        @Test func `capabilities in root's user namespace are refused`() throws {
            let run = try JobsProgram.run(
                ["--userns", "--user", "nobody", "--capabilities", "DAC_OVERRIDE", "--", "cat", "/etc/shadow"])
            #expect(run.code == 125 && run.output.isEmpty && run.errors.contains("count outside"), "\(run.all)")
        }

        @Test func `a job that says nothing of its processes has a limit of them`() async throws {
            let daemon = try Daemon(["--memory", "1G", "--cpus", "4", "--pids", "123"])
            let ids = [try await daemon.submit("exit 0"), try await daemon.submit("exit 0", [("pids", "45")])]
            try await daemon.wait(ids)
            for (id, pids) in zip(ids, [123, 45]) {
                #expect(try await daemon.record(id)?["limits"]?["pids"]?.intValue == pids)
            }
        }
    }
}

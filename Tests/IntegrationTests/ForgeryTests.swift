// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import JobModel
import JobsClient
import Linux
import AttemptFiles
import Testing

extension IntegrationTests {
    /// A job and the files of the queue that runs it: it sees none, and what it could write where it does is not believed.
    @Suite(.needsRoot) struct ForgeryTests {
        @Test func `a job sees nothing of the queue's directories`() async throws {
            let daemon = try Daemon()
            let script = "ls -A \(daemon.state) | wc -l; test -e \(daemon.client.socket) || echo hidden"
            for flags in [[], [("--private-tmp", nil)], [("--userns", nil)]] as [[(String, String?)]] {
                let id = try await daemon.submit(script, flags)
                try await daemon.wait([id])
                #expect(try await daemon.output(id) == "0\nhidden\n", "\(flags)")
            }
            // Nor does one that no queue runs.
            let run = try JobsProgram.run(
                ["--", "sh", "-c", script],
                environment: ["JOBS_STATE_DIR": daemon.state, "JOBS_RUNTIME_DIR": daemon.state + "/run"])
            #expect(run.output == "0\nhidden\n", "\(run.all)")
        }

        @Test func `a job with submit reaches the queue, also a later daemon's, and sees nothing else`() async throws {
            let daemon = try Daemon()
            let (ready, go) = (daemon.scratch.fifo("ready"), daemon.scratch.fifo("go"))
            let submit = "JOBS_STATE_DIR=\(daemon.state) \(JobsProgram.path) submit --parsable -- true"
            let script = """
                find \(daemon.state) -mindepth 1 | sed 's|^\(daemon.state)/||' | sort; \(submit)
                rm -f \(daemon.client.socket) 2> /dev/null; touch \(daemon.state)/run/x 2> /dev/null && echo written
                echo > \(ready); read x < \(go); \(submit)
                """
            let id = try await daemon.submit(script, [("--submit", nil)])
            _ = line(from: ready)
            daemon.kill()
            try daemon.start()
            writeLine(go)
            try await daemon.wait([id])
            let output = try await daemon.output(id)
            #expect(output == "run\nrun/jobs.sock\nrun/life.sock\n2\n3\n", "\(output)")
            try await daemon.wait([2, 3], for: ["completed"])
        }

        private func exit(_ status: Int) -> Report {
            var exit = Report.Exit()
            exit.waitStatus = status
            exit.monotonicUsec = Clock.monotonicMicroseconds
            exit.realtimeUsec = Clock.realtimeMicroseconds
            return .exited(exit)
        }

        /// Without a mount namespace a job of the daemon's user can open its report; here the test writes in its place.
        @Test(arguments: [true, false]) func `a forged end is not believed`(hasDaemon: Bool) async throws {
            let daemon = try Daemon()
            let ready = daemon.scratch.fifo("ready")
            let forgeries: [() -> [UInt8]] = [
                { exit(0).encoded() }, { Report.limitReached(.wall).encoded() }, { Report.started(.init()).encoded() },
            ]
            for forgery in forgeries {
                let id = try await daemon.submit(
                    "echo > \(ready); sleep 1h", [("--no-mount", nil), ("--wall-time", "2h")])
                _ = line(from: ready)
                if !hasDaemon { daemon.kill() }
                let report = "\(daemon.state)/attempts/\(id).1/report"
                try Descriptor.open(report, O_WRONLY | O_APPEND).write(forgery())
                if !hasDaemon { try daemon.start() }
                try await daemon.wait([id])
                let job = try await daemon.job(id)
                #expect(
                    job["state"]?.stringValue == "lost"
                        && job["message"]?.stringValue?.contains("cannot be jobs-init's own") == true, "\(job.text())")
            }
            for process in jobsInits(below: daemon.state).compactMap(held) { #expect(ends(process)) }
        }

        /// The header of a frame swallows what jobs-init writes after it.
        @Test(arguments: [true, false]) func `a report that cannot be read ends no job, and no end in it is believed`(
            hasDaemon: Bool
        ) async throws {
            let daemon = try Daemon()
            let (ready, go) = (daemon.scratch.fifo("ready"), daemon.scratch.fifo("go"))
            for isCancelled in [false, true] {
                let id = try await daemon.submit("echo > \(ready); read x < \(go)", [("--no-mount", nil)])
                _ = line(from: ready)
                if !hasDaemon { daemon.kill() }
                let report = "\(daemon.state)/attempts/\(id).1/report"
                try Descriptor.open(report, O_WRONLY | O_APPEND).write(exit(0).encoded() + [6, 0, 0, 0, 0, 8, 0, 0])
                if !hasDaemon { try daemon.start() }
                try waitForChange(of: daemon.scratch.path) { daemon.log(about: id).contains("cannot read \(report)") }
                let job = try await daemon.job(id)
                #expect(
                    job["state"]?.stringValue == "running"
                        && job["reason"]?.stringValue?.contains("how it ends will not be known here: cannot read")
                            == true,
                    "\(job.text())")
                if isCancelled { try await daemon.perform("cancel", id) } else { writeLine(go) }
                try await daemon.wait([id])
                let ended = try await daemon.job(id)
                #expect(ended["state"]?.stringValue == (isCancelled ? "cancelled" : "lost"), "\(ended.text())")
                #expect(isCancelled || ended["message"]?.stringValue?.contains(report) == true, "\(ended.text())")
            }
            for process in jobsInits(below: daemon.state).compactMap(held) { #expect(ends(process)) }
        }

        @Test func `files of an attempt that became FIFOs or links hold no daemon up`() async throws {
            let daemon = try Daemon()
            let ready = daemon.scratch.fifo("ready")
            var ids: [Int] = []
            for _ in 0..<3 {
                ids.append(try await daemon.submit("echo > \(ready); echo text; sleep 1h", [("--no-mount", nil)]))
                _ = line(from: ready)
            }
            daemon.kill()
            for (id, file) in zip(ids, ["baseline", "report", "control"]) {
                let path = "\(daemon.state)/attempts/\(id).1/\(file)"
                unlink(path)
                if file == "control" { symlink("/dev/null", path) } else { mkfifo(path, 0o600) }
            }
            mkfifo("\(daemon.state)/attempts/\(ids[0]).1/stdout.9223372036854775807", 0o600)
            try daemon.start()
            try await daemon.wait(ids)
            for id in ids { #expect(try await daemon.state(id) == "lost", "\(daemon.log(about: id))") }
            _ = try await daemon.output(ids[0])
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import JobModel
import JobsClient
import Testing

extension IntegrationTests {
    /// The end of a job that the kernel holds, or whose jobs-init does nothing.
    @Suite(.needsRoot) struct BackstopTests {
        @Test(.needsFUSE) func `an execve that does not return ends at the wall time`() throws {
            let files = try SilentFileSystem(.unread)
            let run = try JobsProgram.run(
                ["--wall-time", "500ms", "--grace", "100ms", "--", files.path + "/program"], prefix: files.prefix)
            #expect(run.code == 124 && run.state == "timeout" && run.cause == "wall-time", "\(run.all)")
            #expect(run.message.contains("Its command never started: executing it was held up"), "\(run.all)")
            expectNothingLeft()
        }

        @Test(.needsFUSE) func `and is cancelled`() throws {
            let files = try SilentFileSystem(.unread)
            let running = try JobsProgram.Running(
                files.prefix + [
                    "sh", "-c", "echo $$ > \(files.path)-pid; exec \"$@\"", "sh", JobsProgram.path, "run", "--grace",
                    "100ms", "--", files.path + "/program",
                ])
            _ = line(from: files.asked)
            let pid = try #require(
                pid_t(String(contentsOfFile: files.path + "-pid", encoding: .utf8).trimmingCharacters(in: .newlines)))
            kill(pid, SIGTERM)
            let outcome = running.wait()
            #expect(outcome.code == 143 && outcome.errors.contains("never started"), "\(outcome.all)")
            expectNothingLeft()
        }

        @Test(.needsFUSE) func `a queued one is ended by the next daemon`() async throws {
            let files = try SilentFileSystem(.unread)
            let (daemon, held) = try files.daemon()
            defer { close(held) }
            let limited = try await daemon.submit(
                command: [files.path + "/program"], [("wall-time", "2s"), ("grace", "100ms")])
            let cancelled = try await daemon.submit(command: [files.path + "/program"])
            _ = line(from: files.asked)
            try await daemon.wait([limited, cancelled], for: ["running"])
            daemon.kill()
            try daemon.start()
            try await daemon.client.post("/v1/jobs/\(cancelled)/cancel", .object(["now": .bool(true)]))
            try await daemon.wait([limited, cancelled])
            #expect(try await daemon.state(limited) == "timeout", "\(daemon.log)")
            #expect(try await daemon.state(cancelled) == "cancelled", "\(daemon.log)")
            let message = try await daemon.record(cancelled)?["message"]?.stringValue ?? ""
            #expect(message.contains("Its command never started"), "\(message)")
        }

        @Test(.needsFUSE) func `run names those that SIGKILL does not end, and can be left`() throws {
            let files = try SilentFileSystem(.unanswered)
            let scratch = try Scratch()
            let (errors, report, pid) = (scratch.fifo("errors"), scratch.path + "/r.json", scratch.path + "/pid")
            let script = "echo $$ > \(pid); exec \"$@\" 2> \(errors)"
            let running = try JobsProgram.Running(
                files.prefix + [
                    "sh", "-c", script, "sh", JobsProgram.path, "run", "--wall-time", "500ms", "--grace", "100ms",
                    "--report", report, "--", "cat", files.path + "/file",
                ])
            let word = line(from: errors) { $0.contains("SIGKILL") }
            #expect(word.contains("SIGKILL has not ended cat (pid ") && word.contains("state D"), "\(word)")
            let number = try String(contentsOfFile: pid, encoding: .utf8).trimmingCharacters(in: .newlines)
            kill(try #require(pid_t(number)), SIGINT)
            let outcome = running.wait()
            let record = try String(contentsOfFile: report, encoding: .utf8)
            #expect(outcome.code == 124 && record.contains("behind, which SIGKILL has not ended"), "\(record)")
        }

        @Test(.needsFUSE) func `status names them, and they hold their place until they are gone`() async throws {
            let files = try SilentFileSystem(.unanswered)
            let (daemon, held) = try files.daemon()
            let id = try await daemon.submit("cat \(files.path)/file")
            _ = line(from: files.asked)
            try await daemon.client.post("/v1/jobs/\(id)/cancel", .object(["now": .bool(true)]))
            try waitForChange(of: daemon.scratch.path) { daemon.log.contains("SIGKILL has not ended") }
            let reason = try await daemon.job(id)["reason"]?.stringValue ?? ""
            #expect(reason.contains("cat (pid ") && reason.contains("state D"), "\(reason)")
            #expect(try await daemon.state(id) == "running")
            close(held)
            try await daemon.wait([id])
            #expect(try await daemon.state(id) == "cancelled")
        }

        /// Stopped, jobs-init keeps no time, and no process of the job may count on that.
        @Test func `a jobs-init that does nothing costs the job its record's figures, not its limits`() throws {
            let scratch = try Scratch()
            let (ready, report) = (scratch.fifo("ready"), scratch.path + "/r.json")
            let running = try JobsProgram.Running([
                JobsProgram.path, "run", "--wall-time", "1s", "--grace", "100ms", "--report", report, "--", "sh", "-c",
                "echo > \(ready); sleep 1000",
            ])
            _ = line(from: ready)
            let children = try JobsProgram.execute(["cat", "/proc/\(running.pid)/task/\(running.pid)/children"]).output
            for child in children.split(separator: " ").compactMap({ pid_t($0) }) { kill(child, SIGSTOP) }
            let outcome = running.wait()
            let record = try String(contentsOfFile: report, encoding: .utf8)
            #expect(outcome.code == 124 && record.contains("\"state\": \"timeout\""), "\(outcome.all)\(record)")
            expectNothingLeft()
        }

        @Test func `a FIFO in the place of an interpreter is not waited for`() throws {
            let scratch = try Scratch()
            let (fifo, script) = (scratch.fifo("interpreter"), scratch.path + "/script")
            try Data("#!\(fifo)\n".utf8).write(to: URL(filePath: script))
            chmod(script, 0o755)
            chmod(fifo, 0o755)
            let run = try JobsProgram.run(["--", script])
            #expect(run.code == 126, "\(run.all)")
            let missing = try JobsProgram.run(["--", "sh", "-c", "exec \(scratch.path)/none"])
            #expect(missing.code == 127, "\(missing.all)")
        }
    }
}

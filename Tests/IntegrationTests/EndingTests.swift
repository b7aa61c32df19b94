// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Testing

extension IntegrationTests {
    /// The end of a job: nothing that its processes still write is lost, everybody is gone afterwards, and it is told.
    @Suite(.needsRoot) struct EndingTests {
        /// A worker below a shell: asked to end, the shell is gone at once, and the worker saves when the test lets it.
        private struct Checkpoint {
            let scratch: Scratch
            let (started, asked, go): (String, String, String)
            var file: String { scratch.path + "/saved" }
            var script: String {
                """
                sh -c 'trap "echo > \(asked); read x < \(go); echo saved > \(file); exit 0" TERM
                    echo > \(started); while :; do sleep 100 & wait; done'
                echo after
                """
            }

            init() throws {
                scratch = try Scratch()
                (started, asked, go) = (scratch.fifo("started"), scratch.fifo("asked"), scratch.fifo("go"))
            }

            /// Lets the worker save once it has heard TERM.
            func letItSave() {
                _ = line(from: asked)
                writeLine(go)
            }

            var isSaved: Bool { FileManager.default.fileExists(atPath: file) }
        }

        @Test func `at a limit everybody has the grace period`() throws {
            let job = try Checkpoint()
            let running = try JobsProgram.Running([
                JobsProgram.path, "run", "--wall-time", "500ms", "--grace", "1h", "--", "sh", "-c", job.script,
            ])
            job.letItSave()
            let outcome = running.wait()
            #expect(outcome.code == 124 && job.isSaved, "\(outcome.all)")
            #expect(!outcome.errors.contains("killed"), "\(outcome.all)")
        }

        @Test func `at a cancellation too`() throws {
            let job = try Checkpoint()
            let running = try JobsProgram.Running([
                JobsProgram.path, "run", "--grace", "1h", "--", "sh", "-c", job.script,
            ])
            _ = line(from: job.started)
            kill(running.pid, SIGTERM)
            job.letItSave()
            let outcome = running.wait()
            #expect(outcome.code == 143 && job.isSaved, "\(outcome.all)")
        }

        /// As long as they need, on a machine of any speed: the linger of this test never ends.
        @Test func `the writers of a pipeline finish after the shell that started them`() throws {
            let scratch = try Scratch()
            let (log, numbers) = (scratch.path + "/log", scratch.path + "/numbers.gz")
            let script = """
                seq 50000 > >(gzip -9 > \(numbers))
                exec > >(tee \(log)) 2>&1
                echo the reason
                exit 1
                """
            for _ in 0..<5 {
                let run = try JobsProgram.run(["--linger", "1h", "--", "bash", "-c", script])
                #expect(run.code == 1 && run.output == "the reason\n", "\(run.all)")
                #expect(try String(contentsOfFile: log, encoding: .utf8) == "the reason\n")
                let whole = try JobsProgram.execute(["sh", "-c", "gzip -dc \(numbers) | tail -n 1"])
                #expect(whole.output == "50000\n", "\(whole.all)")
                #expect(!run.message.contains("still running"), "\(run.all)")
            }
        }

        @Test func `those that do not finish are asked to, and it is told`() throws {
            let run = try JobsProgram.run([
                "--env", "MARK=ending-\(own)", "--linger", "100ms", "--grace", "1h", "--", "sh", "-c",
                "sleep 5000 & sleep 5001 & exit 3",
            ])
            #expect(
                run.code == 3 && run.message.contains("2 processes were still running and were ended."), "\(run.all)")
            let rest = run.record["rest"] as? [String: Int]
            #expect(rest == ["terminated": 2, "killed": 0], "\(run.all)")
            expectNothingLeft(marker: "ending")
        }

        @Test func `those that do not even then are killed, and it is told`() throws {
            let (scratch, deaf) = (try Scratch(), "trap '' TERM")
            let ready = scratch.fifo("ready")
            let script = "\(deaf); (echo > \(ready); while :; do sleep 1000; done) & read x < \(ready); exit 0"
            let run = try JobsProgram.run([
                "--env", "MARK=ending-\(own)", "--linger", "0", "--grace", "100ms", "--", "sh", "-c", script,
            ])
            #expect(run.code == 0 && run.state == "completed", "\(run.all)")
            #expect(((run.record["rest"] as? [String: Int])?["killed"] ?? 0) >= 1, "\(run.all)")
            #expect(
                run.message.hasSuffix("still running and were killed.") || run.message.hasSuffix("was killed."),
                "\(run.all)")
            expectNothingLeft(marker: "ending")
        }

        /// The wall time is the main process's, which has ended by itself.
        @Test func `a limit that is reached during the linger changes no verdict`() throws {
            let run = try JobsProgram.run([
                "--wall-time", "300ms", "--linger", "1s", "--", "sh", "-c", "sleep 1000 & exit 0",
            ])
            #expect(run.code == 0 && run.state == "completed", "\(run.all)")
        }

        /// All that a job can send its init: signals of every number, with or without a forged sender, and limits.
        @Test(arguments: [[], ["--no-pid"]]) func `a job does not end its init`(flags: [String]) throws {
            let script = """
                import ctypes, os, resource, signal, struct, subprocess, sys
                import fcntl
                init, libc, mine = os.getppid(), ctypes.CDLL(None), "--no-pid" in sys.argv
                call = 129 if os.uname().machine == "x86_64" else 138
                for number in range(1, 65):
                    # Without a PID namespace a job may kill what is its own user's.
                    if not (mine and number in (signal.SIGKILL, signal.SIGSTOP)): os.kill(init, number)
                for name in ("TERM", "INT", "HUP", "QUIT"):
                    number = getattr(signal, "SIG" + name)
                    # A sender that is gone at once, and one that says that it is outside: SI_QUEUE and pid 0.
                    subprocess.run(["/bin/kill", "-" + name, str(init)])
                    info = struct.pack("3i4xii", number, 0, -1, 0, 0) + bytes(104)
                    if libc.syscall(call, init, number, info) != 0: sys.exit("not sent")
                    # A signal for readable input, F_SETSIG, which names nobody.
                    read, write = os.pipe()
                    fcntl.fcntl(read, fcntl.F_SETOWN, init)
                    fcntl.fcntl(read, 10, number)
                    fcntl.fcntl(read, fcntl.F_SETFL, fcntl.fcntl(read, fcntl.F_GETFL) | os.O_ASYNC)
                    os.write(write, b"x")
                if not mine:
                    try:
                        resource.prlimit(init, resource.RLIMIT_CPU, (1, 1))
                        sys.exit("its init has a limit")
                    except PermissionError: pass
                print("alive")
                """
            let run = try JobsProgram.run(flags + ["--", "python3", "-c", script] + flags)
            #expect(run.code == 0 && run.state == "completed" && run.output == "alive\n", "\(run.all)")
        }

        @Test func `a queued job that signals its init is not taken for one that was ended from outside`() async throws
        {
            let daemon = try Daemon()
            let log = daemon.scratch.path + "/ran"
            let script =
                "echo $JOBS_ATTEMPT >> \(log); kill -TERM $PPID; /bin/kill -TERM $PPID; kill -QUIT $PPID; exit 3"
            var ids = [try await daemon.submit(script, [("--retries", "1"), ("--retry-on", "lost")])]
            ids.append(
                try await daemon.submit(script, [("--no-pid", nil), ("--retry-on", "lost"), ("--retries", "1")]))
            try await daemon.wait(ids)
            for id in ids {
                let job = try await daemon.job(id)
                #expect(
                    job["state"]?.stringValue == "failed" && job["exit_code"]?.intValue == 3
                        && job["attempt"]?.intValue == 1, "\(job.text())")
            }
        }

        @Test func `without a PID namespace the end is the same`() throws {
            let run = try JobsProgram.run([
                "--no-pid", "--env", "MARK=ending-\(own)", "--linger", "100ms", "--", "sh", "-c",
                "setsid sleep 5000 & setsid sleep 5001 & exit 3",
            ])
            #expect(run.code == 3 && run.message.contains("still running and were ended."), "\(run.all)")
            expectNothingLeft(marker: "ending")
        }
    }
}

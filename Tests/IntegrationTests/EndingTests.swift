// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import JobModel
import Testing

extension IntegrationTests {
    /// The end of a job: nothing that its processes still write is lost, everybody is gone afterwards, and it is told.
    @Suite(.needsRoot) struct EndingTests {
        /// A worker below a shell: asked to end, the shell is gone at once, and the worker saves when the test lets it.
        ///
        /// Its `sleep` is short, because one that the shell is just forking can lose the signal: until its exec it has the
        /// shell's handler.
        private struct Checkpoint {
            let scratch: Scratch
            let (started, asked, go): (String, String, String)
            var file: String { scratch.path + "/saved" }
            var script: String {
                """
                sh -c 'trap "echo > \(asked); read x < \(go); echo saved > \(file); exit 0" TERM
                    echo > \(started); while :; do sleep 1 & wait; done'
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
            // Of Perl, whose base package every Debian has; the numbers are those of <sys/syscall.h> and <fcntl.h>.
            let script = """
                use strict; use POSIX ();
                my ($init, $mine, $x86) = (getppid(), "@ARGV" eq "--no-pid", (POSIX::uname())[4] eq "x86_64");
                # Without a PID namespace a job may kill what is its own user's.
                for my $number (1..64) { kill($number, $init) unless $mine and ($number == 9 or $number == 19) }
                for my $number (1, 2, 3, 15) {
                    # A sender that is gone at once, and one that says that it is outside: SI_QUEUE and pid 0.
                    system("/bin/kill", "-$number", $init);
                    my $info = pack("lllx4ll", $number, 0, -1, 0, 0) . "\\0" x 104;
                    syscall($x86 ? 129 : 138, $init, $number, $info) == 0 or die "not sent: $!";
                    # A signal for readable input, F_SETOWN, F_SETSIG and O_ASYNC, which names nobody.
                    pipe(my $read, my $write);
                    fcntl($read, 8, $init + 0) or die $!; fcntl($read, 10, $number) or die $!;
                    fcntl($read, 4, 020000) or die $!;
                    syswrite($write, "x");
                }
                # A limit on CPU time, prlimit(2).
                my $limit = pack("QQ", 1, 1);
                $mine or syscall($x86 ? 302 : 261, $init + 0, 0, $limit, 0) == -1 or die "its init has a limit";
                print "alive\\n";
                """
            let run = try JobsProgram.run(flags + ["--", "perl", "-e", script, "--"] + flags)
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

// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Foundation
import Glibc
import Testing

extension IntegrationTests {
    /// Whatever the ending and however hostile the job: no process, mount, cgroup or file is left.
    @Suite(.needsRoot) struct CleanupTests {
        /// Starts a job that says when it runs, then waits.
        private func start(
            _ script: String, _ flags: [String] = [], marker: String
        ) throws -> (running: JobsProgram.Running, scratch: Scratch) {
            let scratch = try Scratch()
            let ready = scratch.fifo("ready")
            let running = try JobsProgram.Running(
                [JobsProgram.path, "run", "--report", scratch.path + "/record.json", "--env", "MARK=\(marker)-\(own)"]
                    + flags
                    + ["--", "sh", "-c", "\(script)"], environment: ["READY": ready])
            _ = line(from: ready)
            return (running, scratch)
        }

        @Test(arguments: [(SIGINT, CInt(130)), (SIGTERM, CInt(143))] as [(CInt, CInt)])
        func `an interrupted run ends its job`(
            signal: CInt, code: Int32
        ) throws {
            let (running, scratch) = try start("echo > $READY; sleep 1h & wait", marker: "interrupt-\(signal)")
            kill(running.pid, signal)
            let outcome = running.wait()
            #expect(outcome.code == code, "\(outcome.all)")
            let record = try String(contentsOfFile: scratch.path + "/record.json", encoding: .utf8)
            #expect(record.contains("\"state\": \"cancelled\""))
            expectNothingLeft(marker: "interrupt-\(signal)")
        }

        @Test func `a run under nohup lives through the hang-up`() throws {
            let scratch = try Scratch()
            let (ready, go) = (scratch.fifo("ready"), scratch.fifo("go"))
            let running = try JobsProgram.Running(
                [
                    "sh", "-c", "trap '' HUP; exec \"$@\"", "sh", JobsProgram.path, "run", "-q", "--", "sh", "-c",
                    "echo > \(ready); read word < \(go); exit 7",
                ])
            _ = line(from: ready)
            kill(running.pid, SIGHUP)
            try Data("on\n".utf8).write(to: URL(filePath: go))
            #expect(running.wait().code == 7, "\(running.wait().all)")
        }

        @Test func `a job that ignores TERM is killed by the second Ctrl-C`() throws {
            let (running, _) = try start(
                "trap '' TERM INT; echo > $READY; sleep 1h; sleep 1h", ["--grace", "1h"], marker: "deaf")
            let pid = running.pid
            kill(pid, SIGINT)
            kill(pid, SIGINT)
            // Two signals of one number that are pending together are one signal.
            while running.process.isRunning, kill(pid, SIGINT) == 0 { usleep(20_000) }
            #expect(running.wait().code == 137 || running.wait().code == 130, "\(running.wait().all)")
            expectNothingLeft(marker: "deaf")
        }

        @Test func `kill -9 of jobs ends the payload, and the next start removes the rest`() throws {
            let scratch = try Scratch()
            // The payload holds the FIFO open for writing: the reader sees the end when the last of its holders is dead.
            let reader = open(scratch.fifo("held"), O_RDONLY | O_NONBLOCK | O_CLOEXEC)
            defer { close(reader) }
            let (running, _) = try start(
                "exec 9>\(scratch.path)/held; echo > $READY; sleep 1h & wait", marker: "killed-jobs")
            kill(running.pid, SIGKILL)
            _ = running.wait()
            _ = fcntl(reader, F_SETFL, 0)
            var byte: UInt8 = 0
            #expect(read(reader, &byte, 1) == 0)
            #expect(try JobsProgram.run(["--", "true"]).code == 0)
            expectNothingLeft(marker: "killed-jobs")
        }

        @Test func `somebody kills jobs-init`() throws {
            let (running, _) = try start("echo > $READY; sleep 1h & wait", marker: "killed-init")
            let pid = running.pid
            let children = try String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)
            // The newest: an elder one was its fork server and may be a zombie still.
            let initPid = try #require(pid_t(children.split(separator: " ").last ?? ""))
            kill(initPid, SIGKILL)
            let outcome = running.wait()
            #expect(outcome.code == 125 && outcome.errors.contains("jobs-init"), "\(outcome.all)")
            expectNothingLeft(marker: "killed-init")
        }

        @Test func `daemons that forked twice go with their job`() throws {
            let run = try JobsProgram.run([
                "--env", "MARK=daemon-\(own)", "--", "sh", "-c",
                "(setsid sh -c 'sleep 1h & sleep 1h' &) ; (setsid sleep 1h &); true",
            ])
            #expect(run.code == 0, "\(run.all)")
            expectNothingLeft(marker: "MARK=daemon")
        }

        @Test func `stopped processes hear that time is up`() throws {
            let run = try JobsProgram.run([
                "--wall-time", "300ms", "--grace", "1h", "--env", "MARK=stopped-\(own)", "--", "sh", "-c",
                "kill -STOP $$",
            ])
            // And die of it: they would be killed after an hour.
            #expect(run.state == "timeout", "\(run.all)")
            expectNothingLeft(marker: "MARK=stopped")
        }

        @Test func `a fork bomb is over when its time is up`() throws {
            let bomb = "b() { b & b & wait; }; b"
            let run = try JobsProgram.run([
                "--pids", "200", "--wall-time", "1s", "--grace", "0", "--env", "MARK=bomb-\(own)", "--", "sh", "-c",
                bomb,
            ])
            #expect(["timeout", "failed", "completed"].contains(run.state), "it may tire by itself: \(run.all)")
            expectNothingLeft(marker: "MARK=bomb")
        }

        @Test(arguments: [[], ["--no-pid"]] as [[String]]) func `a flood of output does not stop the end`(
            flags: [String]
        ) throws {
            let run = try JobsProgram.execute(
                [
                    "sh", "-c", "exec \"$@\" | head -c 100000 > /dev/null", "sh", JobsProgram.path, "run", "--quiet",
                    "--wall-time", "20s",
                ] + flags + ["--env", "MARK=flood-\(own)", "--", "sh", "-c", "trap '' PIPE; yes || exit 3"])
            #expect(run.code == 0, "\(run.all)")
            expectNothingLeft(marker: "MARK=flood")
        }

        @Test(.needsUnifiedTree) func `cgroups that the job made, froze and locked are removed`()
            throws
        {
            let root = Machine.isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/unified"
            let script = """
                cd \(root); mkdir -p a/b/c d; sleep 1h & echo $! > a/b/c/cgroup.procs; echo 1 > a/cgroup.freeze
                chmod 000 a/b/c a/b a d; exit 6
                """
            let run = try JobsProgram.run(["--cgroup", "--env", "MARK=frozen-\(own)", "--", "sh", "-c", script])
            #expect(run.code == 6, "\(run.all)")
            expectNothingLeft(marker: "MARK=frozen")
            let daemon = try JobsProgram.run([
                "--cgroup", "--no-pid", "--env", "MARK=frozen2-\(own)", "--", "sh", "-c", script,
            ])
            #expect(daemon.code == 6, "\(daemon.all)")
            expectNothingLeft(marker: "MARK=frozen2")
        }

        @Test func `nothing leaks into the job and no descriptor stays open in jobs`() throws {
            let run = try JobsProgram.run(["--", "sh", "-c", "ls -l /proc/self/fd | grep -c -e '->'"])
            #expect(run.output == "4\n", "0, 1, 2 and the directory that ls reads: \(run.all)")
        }

        @Test func `a job that was suspended can be cancelled`() throws {
            let (running, _) = try start("echo > $READY; sleep 1h & wait", marker: "suspended")
            let pid = running.pid
            kill(pid, SIGTSTP)
            // jobs stops itself once the job is frozen.
            var stop = siginfo_t()
            #expect(waitid(P_PID, id_t(pid), &stop, WSTOPPED | WNOWAIT) == 0)
            kill(pid, SIGTERM)
            kill(pid, SIGCONT)
            #expect(running.wait().code == 143)
            expectNothingLeft(marker: "suspended")
        }

        @Test func `what an unknown supervisor left is removed by the next start`() throws {
            let host = try #require(Machine.host)
            // On a unified host a run has a scope of its own, which systemd removes.
            guard !Machine.isUnified, let memory = host.v1[.memory]?.own else { return }
            // No pid is as large. Ours keeps another run of this test apart.
            let dead = memory + "/jobs/run-999999999-\(getpid())-\(AttemptName.namespace)"
            // A pid of another container says nothing here.
            let foreign = memory + "/jobs/run-999999999-\(getpid())-1"
            defer { rmdir(foreign) }
            for path in [dead + "/inner", foreign] {
                // Another `jobs` of this machine may remove the first while it is made.
                try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            }
            #expect(try JobsProgram.run(["--", "true"]).code == 0)
            #expect(!FileManager.default.fileExists(atPath: dead))
            #expect(FileManager.default.fileExists(atPath: foreign))
        }
    }
}

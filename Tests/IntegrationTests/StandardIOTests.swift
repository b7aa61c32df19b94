// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Foundation
import Glibc
import Linux
import Testing

extension IntegrationTests {
    /// Input and output pass through as if the command ran alone.
    @Suite(.needsRoot) struct StandardIOTests {
        @Test func `the three streams stay apart`() throws {
            let run = try JobsProgram.run(["--quiet", "--", "sh", "-c", "cat; echo error >&2"], input: "input\n")
            #expect(run.output == "input\n" && run.errors == "error\n", "\(run.all)")
        }

        @Test func `output is there at once`() throws {
            let scratch = try Scratch()
            let go = scratch.fifo("go"), ready = scratch.fifo("ready")
            let running = try JobsProgram.Running([
                JobsProgram.path, "run", "--quiet", "--", "sh", "-c",
                "echo first; echo > \(ready); read x < \(go); echo second",
            ])
            _ = line(from: ready)
            #expect(running.output == "first\n")
            try "x\n".write(toFile: go, atomically: false, encoding: .utf8)
            #expect(running.wait().output == "first\nsecond\n")
        }

        @Test func `a terminal on request`() throws {
            let plain = try JobsProgram.run(["--quiet", "--", "sh", "-c", "test -t 1 && echo yes || echo no"])
            #expect(plain.output == "no\n", "\(plain.all)")
            let run = try JobsProgram.run([
                "--quiet", "--tty", "--", "sh", "-c",
                "test -t 0 && test -t 1 && test -t 2 && echo yes; ps -o tty= -p $$",
            ])
            #expect(run.output.hasPrefix("yes\r\n") && run.output.contains("pts/"), "\(run.all)")
            let input = try JobsProgram.run(
                ["--quiet", "--tty", "--", "sh", "-c", "read line; echo got $line"], input: "words\n")
            #expect(input.output.contains("got words"), "\(input.all)")
        }

        /// Ctrl-Z typed into the job's terminal stops the job and jobs itself, as a shell expects of its children.
        @Test func `Ctrl-Z stops jobs with its job and both go on`() throws {
            let pair = try Terminal.openPair()
            let shell = try JobsProgram.Running(
                [
                    "setsid", "--ctty", "sh", "-ic",
                    "\(JobsProgram.path) run --quiet --tty -- sh -c 'echo ready; exec sleep 1d'; echo code $?",
                ],
                terminal: pair.slave)
            var seen = ""
            func read(until text: String) {
                while !seen.contains(text), let bytes = try? pair.master.read(), !bytes.isEmpty {
                    seen += String(decoding: bytes, as: UTF8.self)
                }
            }
            read(until: "ready")
            try pair.master.write([26])
            // The shell reports the stop as 128 + SIGSTOP and ends; nothing else would print this.
            read(until: "code ")
            #expect(seen.contains("code 147"), "\(seen)")
            _ = shell
        }

        @Test func `all output of a terminal arrives`() throws {
            let run = try JobsProgram.run(["--quiet", "--tty", "--", "sh", "-c", "seq 1 20000"])
            #expect(
                run.output.hasSuffix("20000\r\n") && run.output.split(separator: "\r\n").count == 20000,
                "\(run.output.suffix(200))")
        }

        @Test func `the record goes where it is asked to`() throws {
            let run = try JobsProgram.execute([
                JobsProgram.path, "run", "--quiet", "--report", "-", "--", "echo", "first",
            ])
            #expect(run.output.hasPrefix("first\n{\n  \"schema_version\": 1,"), "\(run.all)")
            // Before anything is started: its hours would be lost.
            let nowhere = try JobsProgram.execute([
                JobsProgram.path, "run", "--report", "/nosuch/dir/x", "--", "echo", "ran",
            ])
            #expect(nowhere.errors.contains("/nosuch/dir/x") && nowhere.code == 125, "\(nowhere.all)")
            #expect(nowhere.output.isEmpty)
            let full = try JobsProgram.execute([JobsProgram.path, "run", "--report", "/dev/full", "--", "true"])
            #expect(full.errors.contains("/dev/full") && full.code == 74, "\(full.all)")
        }

        @Test func `a script whose interpreter is missing is not called missing itself`() throws {
            let scratch = try Scratch()
            let script = scratch.path + "/script"
            try Data("#!/nosuch/shell -e\n".utf8).write(to: URL(filePath: script))
            chmod(script, 0o755)
            let run = try JobsProgram.execute([JobsProgram.path, "run", "--", script])
            #expect(run.code == 127 && run.errors.contains("/nosuch/shell"), "\(run.all)")
        }

        @Test func `every figure of the record is there or says why not`() throws {
            let run = try JobsProgram.run(["--cpus", "1", "--", "true"])
            let usage = try #require(run.record["usage"] as? [String: Any])
            for (key, value) in usage where value is NSNull {
                #expect(run.unavailable(key)?.isEmpty == false, "\(key) is null without a reason")
            }
            for key in ["wall_time_usec", "cpu_usage_usec", "io_read_bytes"] {
                #expect(usage[key] is Int, "\(key): \(run.all)")
            }
            #expect((run.record["host"] as? [String: Any])?["cgroup_mode"] as? String == Machine.host?.mode.rawValue)
            #expect(run.record["started_at"] is String && run.record["ended_at"] is String)
        }

        @Test func `scripts carry their limits`() throws {
            let scratch = try Scratch()
            let path = scratch.path + "/job.sh"
            try "#!/bin/sh\n#JOB --pids 17 --env GREETING=hello\necho $GREETING $1 $JOBS_PIDS_LIMIT\n".write(
                toFile: path, atomically: false, encoding: .utf8)
            chmod(path, 0o755)
            #expect(try JobsProgram.run([path, "world"]).output == "hello world 17\n")
            let python = scratch.path + "/job.py"
            try "#!/usr/bin/env python3\n#JOB --pids 18\nimport os\nprint(os.environ['JOBS_PIDS_LIMIT'])\n".write(
                toFile: python, atomically: false, encoding: .utf8)
            #expect(try JobsProgram.run([python]).output == "18\n")
        }

        @Test func `a job does not run where its directory was`() throws {
            let scratch = try Scratch()
            let gone =
                "mkdir \(scratch.path)/gone && cd \(scratch.path)/gone && rmdir \(scratch.path)/gone && exec \"$@\""
            let environment = ["JOBS_STATE_DIR": scratch.path + "/state"]
            for verb in ["run", "submit"] {
                let run = try JobsProgram.execute(
                    ["sh", "-c", gone, "sh", JobsProgram.path, verb, "--", "pwd"], environment: environment)
                #expect(run.code != 0 && run.output.isEmpty, "\(run.all)")
                #expect(run.errors.contains("the current directory cannot be used"), "\(run.all)")
            }
            let elsewhere = try JobsProgram.execute(
                ["sh", "-c", gone, "sh", JobsProgram.path, "run", "-q", "--directory", "/tmp", "--", "pwd"])
            #expect(elsewhere.code == 0 && elsewhere.output == "/tmp\n", "\(elsewhere.all)")
        }

        @Test func `a record that the job has removed was not written`() throws {
            let scratch = try Scratch()
            let report = scratch.path + "/r.json"
            for command in ["rm \(report)", "mv \(report) \(report).old; touch \(report)"] {
                let run = try JobsProgram.execute([
                    JobsProgram.path, "run", "-q", "--report", report, "--", "sh", "-c", command,
                ])
                #expect(run.code == 74 && run.errors.contains("cannot write the record to \(report)"), "\(run.all)")
            }
        }

        @Test(arguments: [SIGUSR1, SIGUSR2, 40]) func `signals of the user's are the job's`(signal: CInt) throws {
            let scratch = try Scratch()
            let ready = scratch.fifo("ready")
            let running = try JobsProgram.Running([
                JobsProgram.path, "run", "--report", scratch.path + "/r.json", "--", "sh", "-c",
                "trap 'exit 9' \(signal); echo > \(ready); while :; do sleep 1000 & wait; done",
            ])
            _ = line(from: ready)
            for other in [SIGALRM, SIGXCPU, SIGPROF, SIGVTALRM, SIGIO] { kill(running.pid, other) }
            kill(running.pid, signal)
            let outcome = running.wait()
            #expect(outcome.code == 9, "\(outcome.all)")
            let record = FileManager.default.contents(atPath: scratch.path + "/r.json") ?? Data()
            #expect(try JSONSerialization.jsonObject(with: record) is [String: Any])
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension IntegrationTests {
    /// Each limit is enforced by the kernel, read back, and refused where it cannot be enforced.
    @Suite(.needsRoot) struct LimitTests {
        @Test func `a cpu quota throttles and says so`() throws {
            // A twentieth of a CPU: less than a busy machine would give it anyway.
            let run = try JobsProgram.run(
                ["--cpus", "0.05", "--wall-time", "1h"]
                    + (Machine.hasMemory ? ["cpu-hog"] : ["--allow-unenforced", "cpu-hog"]))
            #expect(run.state == "completed", "\(run.all)")
            #expect((run.record["limits"] as? [String: Any])?["cpus"] as? Double == 0.05)
            let wall = try #require(run.usage("wall_time_usec"))
            #expect(try #require(run.usage("cpu_usage_usec")) < wall / 2)
            #expect((run.usage("cpu_throttled_usec") ?? 0) > 0)
            #expect(run.flags.contains("cpu-throttled"))
        }

        @Test func `a pids limit refuses forks and the shell survives`() throws {
            // The inner shell gives up at the first fork that is refused.
            let forks = "sh -c 'while :; do sleep 1d & done' 2> /dev/null; echo survived"
            let run = try JobsProgram.run(["--pids", "32", "--", "sh", "-c", forks])
            #expect(run.state == "completed" && run.output == "survived\n", "\(run.all)")
            #expect(run.limit("pids") == 32)
            #expect((run.usage("pids_limit_hits") ?? 0) > 0)
            if let peak = run.usage("pids_peak") { #expect(peak <= 32 && peak > 20) }
            let bomb = try JobsProgram.run(
                ["--wall-time", "1h"] + (Machine.hasMemory ? ["fork-bomb"] : ["--allow-unenforced", "fork-bomb"]))
            #expect(bomb.state == "completed" && bomb.output.contains("survived"), "\(bomb.all)")
            expectNothingLeft()
        }

        @Test func `a cpu set is where the job runs`() throws {
            let run = try JobsProgram.run(["--cpuset", "1", "--", "nproc"])
            #expect(
                run.output == "1\n" && (run.record["limits"] as? [String: Any])?["cpuset"] as? String == "1",
                "\(run.all)")
            let absent = try JobsProgram.run(["--cpuset", "4000", "--", "true"])
            #expect(absent.code == 125, "\(absent.all)")
            expectNothingLeft()
        }

        @Test func `a cpu weight is read back`() throws {
            let run = try JobsProgram.run(["--cpu-weight", "300", "--", "true"])
            #expect(run.limit("cpu_weight") == 300, "\(run.all)")
        }

        @Test func `resource limits are the command's`() throws {
            let scratch = try Scratch()
            let run = try JobsProgram.run(
                [
                    "--nofile", "77", "--core", "0", "--stack", "4M", "--fsize", "1M", "--", "sh", "-c",
                    "ulimit -n; ulimit -c; ulimit -s; ulimit -f; head -c 2M /dev/zero > big; echo $?",
                ], in: scratch.path)
            #expect(run.output.hasPrefix("77\n0\n4096\n2048\n"), "\(run.all)")
            #expect(!run.output.contains("2048\n0\n"), "the file grew beyond its limit")
        }

        @Test func `io bandwidth is limited`() throws {
            let script = "dd if=/dev/zero of=io-test bs=64k count=32 oflag=direct 2>&1"
            let scratch = try Scratch()
            let run = try JobsProgram.run(
                ["--io", "/var/tmp:write=1M", "--", "sh", "-c", script], in: scratch.path)
            #expect(run.state == "completed", "\(run.all)")
            // 2 MB at 1 MB/s; the kernel lets a first slice through at once.
            #expect((run.usage("wall_time_usec") ?? 0) > 1_000_000, "\(run.all)")
            #expect((run.usage("io_write_bytes") ?? 0) >= 2 << 20)
            let lines = (run.record["limits"] as? [String: Any])?["io"] as? [String] ?? []
            #expect(lines.count == 1 && lines[0].contains("wbps=1048576"), "\(lines)")
        }

        @Test(.needsHugepages) func `huge pages are limited`() throws {
            let run = try JobsProgram.run(["--hugepages", "2M=64M", "--", "true"])
            let hugepages = (run.record["limits"] as? [String: Any])?["hugepages"] as? [String: Int]
            #expect(run.code == 0 && hugepages == ["2097152": 64 << 20], "\(run.all)")
            let absent = try JobsProgram.run(["--hugepages", "4M=64M", "--", "true"])
            #expect(absent.code == 125 && absent.errors.contains("page size"), "\(absent.all)")
        }

        @Test func `devices not listed are refused`() throws {
            let run = try JobsProgram.run([
                "--devices", "/dev/null rw", "--", "sh", "-c", "head -c 1 /dev/null && head -c 1 /dev/zero",
            ])
            #expect(run.code != 0 && run.errors.contains("/dev/zero"), "\(run.all)")
            let standard = try JobsProgram.run([
                "--devices", "standard", "--", "sh", "-c", "head -c 1 /dev/zero | wc -c; echo x > /dev/null",
            ])
            #expect(standard.output == "1\n" && standard.code == 0, "\(standard.all)")
        }

        @Test func `wall time asks first and kills after the grace period`() throws {
            let polite = try run(
                ["--grace", "1h"], armedBy: "trap 'echo asked; exit 9' TERM; echo armed; sleep 1d & wait")
            #expect(polite.state == "timeout" && polite.cause == "wall-time" && polite.code == 124, "\(polite.all)")
            #expect(polite.output == "armed\nasked\n")
            #expect((polite.record["exit"] as? [String: Any])?["code"] as? Int == 9, "the payload's own status is kept")
            let deaf = try run(["--grace", "300ms"], armedBy: "trap '' TERM; echo armed; sleep 1d; sleep 1d")
            #expect(deaf.state == "timeout" && deaf.code == 124, "\(deaf.all)")
            #expect((deaf.record["exit"] as? [String: Any])?["signal"] as? Int == 9)
            expectNothingLeft()
        }

        /// With a wall time that lasts until the script has said that it is armed, however slow the machine.
        private func run(_ flags: [String], armedBy script: String) throws -> JobsProgram.Outcome {
            var seconds = 1
            while true {
                let run = try JobsProgram.run(["--wall-time", "\(seconds)s"] + flags + ["--", "sh", "-c", script])
                if run.state != "timeout" || run.output.hasPrefix("armed\n") { return run }
                seconds *= 10
            }
        }

        @Test func `cpu time counts all processes together`() throws {
            let script = "spin() { while :; do :; done; }; spin & spin & wait"
            let run = try JobsProgram.run(["--cpu-time", "600ms", "--wall-time", "1h", "--", "sh", "-c", script])
            #expect(run.state == "timeout" && run.cause == "cpu-time" && run.code == 124, "\(run.all)")
            let used = try #require(run.usage("cpu_usage_usec"))
            #expect(used >= 600_000, "\(used)")
        }

        @Test(.needsMemory) func `a soft limit is read back`() throws {
            let run = try JobsProgram.run(["--memory", "64M", "--memory-soft", "32M", "--", "true"])
            #expect(run.limit("memory_soft_bytes") == 32 << 20, "\(run.all)")
        }

        @Test(.needsNoMemory) func `without the memory controller a memory limit is refused`() throws {
            let refused = try JobsProgram.run(["--memory", "50M", "--", "true"])
            #expect(refused.code == 125 && refused.record.isEmpty, "\(refused.all)")
            #expect(refused.errors.contains("cannot enforce memory") && refused.errors.contains("cgroup_enable=memory"))
            let allowed = try JobsProgram.run(["--memory", "50M", "--allow-unenforced", "--", "true"])
            #expect(allowed.code == 0, "\(allowed.all)")
            let unenforced = (allowed.record["limits"] as? [String: Any])?["unenforced"] as? [String: String]
            #expect(unenforced?["memory"] != nil)
            #expect(allowed.usage("memory_peak_bytes") == nil && allowed.unavailable("memory_peak_bytes") != nil)
        }

        @Test func `bad requests are refused before anything starts`() throws {
            let usage = try JobsProgram.run(["--memmory", "1M", "--", "true"])
            #expect(usage.code == 64 && usage.errors.contains("--memory"), "\(usage.all)")
            let file = try JobsProgram.execute([JobsProgram.path, "run", "nosuchjob"])
            #expect(file.code == 64, "\(file.all)")
            let scratch = try Scratch()
            try "command: true\nlimits: {memory: 1X}\n".write(
                toFile: scratch.path + "/bad.yaml", atomically: false, encoding: .utf8)
            let bad = try JobsProgram.execute([JobsProgram.path, "run", scratch.path + "/bad.yaml"])
            #expect(bad.code == 65 && bad.errors.contains("bad.yaml:2:"), "\(bad.all)")
            #expect(try JobsProgram.run(["--user", "nosuchuser", "--", "true"]).code == 125)
            #expect(try JobsProgram.run(["--", "nosuchcommand"]).code == 127)
            #expect(try JobsProgram.run(["--", "/etc/passwd"]).code == 126)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension IntegrationTests {
    /// What the kernel's counters say in each situation, and what we must make of it. Each row has misled some tool.
    @Suite(.needsRoot, .needsMemory) struct TruthTableTests {
        /// Holds `megabytes` of anonymous memory; a shell around it, so that the victim is a child.
        private func hog(_ megabytes: Int, then: String = "") -> [String] {
            [
                "--", "sh", "-c",
                "stress --vm 1 --vm-bytes \(megabytes)M --vm-keep --timeout 3600 >/dev/null 2>&1; code=$?; \(then)exit $code",
            ]
        }

        @Test func `the job's own limit`() throws {
            let run = try JobsProgram.run(["--memory", "64M", "--pids", "16"] + hog(200))
            #expect(run.state == "out-of-memory" && run.cause == "own-limit" && run.code == 137, "\(run.all)")
            #expect((run.usage("memory_oom_kills") ?? 0) >= 1)
            #expect(run.limit("memory_bytes") == 64 << 20)
            #expect(
                run.usage("memory_peak_bytes").map { $0 > 60 << 20 && $0 <= 64 << 20 } ?? !Machine.kernel(
                    atLeast: 5, 19))
            #expect(run.errors.contains("its own memory limit of 64 M"))
            expectNothingLeft()
        }

        @Test(.needsKernelLog) func `the victim is named from the kernel log`() throws {
            let run = try JobsProgram.run(["--memory", "64M"] + hog(200))
            let oom = try #require(run.record["oom"] as? [String: Any])
            let victim = try #require((oom["victims"] as? [[String: Any]])?.first)
            #expect(oom["source"] as? String == "kernel-log")
            #expect(victim["process"] as? String == "stress")
            #expect((victim["anon_rss_bytes"] as? Int ?? 0) > 30 << 20)
        }

        @Test func `a limit above the job`() throws {
            let parent = try LimitedParent(megabytes: 120)
            let run = try JobsProgram.run(["--memory", "1G"] + hog(300), prefix: parent.prefix)
            #expect(run.state == "out-of-memory" && run.cause == "ancestor-limit" && run.code == 137, "\(run.all)")
            #expect(run.limit("ancestor_memory_bytes") == 120 << 20)
            #expect(run.message.contains(parent.name), "\(run.all)")
        }

        /// Only where the machine is ours: this takes all of its memory.
        @Test(.inVirtualMachine) func `the whole machine`() throws {
            let script =
                "echo 1000 > /proc/self/oom_score_adj; exec stress --vm 8 --vm-bytes 1G --vm-keep --timeout 3600"
            let run = try JobsProgram.run(["--", "sh", "-c", script])
            #expect(run.state == "out-of-memory" && run.cause == "system" && run.code == 137, "\(run.all)")
            #expect(run.message.contains("whole machine"))
        }

        @Test(.needsUnified) func `a limit in a cgroup that the job made`() throws {
            let script = """
                set -e; cd /sys/fs/cgroup; mkdir main hog; echo 0 > main/cgroup.procs; echo +memory > cgroup.subtree_control
                echo 20M > hog/memory.max; echo 0 > hog/memory.swap.max
                set +e; sh -c 'echo 0 > hog/cgroup.procs; exec stress --vm 1 --vm-bytes 60M --timeout 3600'; exit 5
                """
            let job = try JobsProgram.run(["--memory", "200M", "--cgroup", "--", "sh", "-c", script])
            #expect(job.state == "out-of-memory" && job.cause == "own-limit", "\(job.all)")
            let survivor = try JobsProgram.run([
                "--memory", "200M", "--cgroup", "--oom", "kill-process", "--", "sh", "-c", script,
            ])
            #expect(survivor.state == "failed" && survivor.code == 5, "\(survivor.all)")
            #expect((survivor.usage("memory_oom_kills") ?? 0) >= 1)
            expectNothingLeft()
        }

        @Test func `page cache fills the limit and nobody dies`() throws {
            let run = try JobsProgram.run(["page-cache"])
            #expect(run.state == "completed" && run.code == 0, "\(run.all)")
            #expect(run.usage("memory_oom_kills") == 0)
            // v1 of new kernels does not count; see MemoryV1.oom.
            #expect(run.usage("memory_limit_hits").map { $0 > 0 } ?? (run.unavailable("memory_limit_hits") != nil))
            #expect(run.flags.contains("cache-limited"))
            if let peak = run.usage("memory_peak_bytes") { #expect(peak > 31 << 20 && peak <= 32 << 20) }
        }

        @Test(.inVirtualMachine) func `swap absorbs it only when asked for`() throws {
            let swap = try SwapFile()
            let refused = try JobsProgram.run(["--memory", "50M"] + hog(100))
            #expect(refused.state == "out-of-memory" && refused.cause == "own-limit", "\(refused.all)")
            // Ends when it has touched all of it.
            let script = "x = bytearray(100 << 20)\nfor i in range(0, len(x), 4096): x[i] = 1"
            let allowed = try JobsProgram.run(["--memory", "50M", "--swap", "unlimited", "--", "python3", "-c", script])
            #expect(allowed.state == "completed" && allowed.usage("memory_oom_kills") == 0, "\(allowed.all)")
            #expect(allowed.flags.contains("swapped"))
            if Machine.isUnified && Machine.kernel(atLeast: 6, 5) {
                #expect((allowed.usage("swap_peak_bytes") ?? 0) > 30 << 20)
            } else {
                #expect(allowed.usage("swap_peak_bytes") == nil && allowed.unavailable("swap_peak_bytes") != nil)
            }
            withExtendedLifetime(swap) {}
        }

        @Test(.needsResourceCapability) func `when nobody may be killed it is no OOM but a timeout`() throws {
            let script =
                "echo -1000 > /proc/self/oom_score_adj; exec stress --vm 1 --vm-bytes 100M --vm-keep --timeout 3600"
            let run = try JobsProgram.run([
                "--memory", "32M", "--capabilities", "SYS_RESOURCE", "--wall-time", "3s", "--grace", "1s", "--", "sh",
                "-c",
                script,
            ])
            #expect(run.state == "timeout" && run.cause == "wall-time" && run.code == 124, "\(run.all)")
            #expect(run.usage("memory_oom_kills") == 0)
            expectNothingLeft()
        }

        @Test func `a child is killed and the main process lives`() throws {
            let job = try JobsProgram.run(["--memory", "64M"] + hog(200, then: "sleep 1d; "))
            #expect(job.state == "out-of-memory" && job.code == 137, "kill-job ends the rest too: \(job.all)")
            let process = try JobsProgram.run(
                ["--memory", "64M", "--oom", "kill-process"] + hog(200, then: "exit 3; "))
            #expect(process.state == "failed" && process.cause == "exit-status" && process.code == 3, "\(process.all)")
            #expect((process.usage("memory_oom_kills") ?? 0) >= 1)
            #expect(process.message.contains("lived on"))
        }

        @Test func `kill-process with the main process as the victim is out of memory`() throws {
            let run = try JobsProgram.run([
                "--memory", "32M", "--oom", "kill-process", "--", "python3", "-c", "x = bytearray(100 << 20)",
            ])
            #expect(run.state == "out-of-memory" && run.cause == "own-limit" && run.code == 137, "\(run.all)")
        }

        /// Where the kernel log is out of reach the verdict claims no more than is known, which is the same here.
        @Test func `kill-process with a child as the victim, and the main process killed later, is a signal`() throws {
            let hog = "python3 -c 'x = bytearray(100 << 20)'"
            let run = try JobsProgram.run([
                "--memory", "32M", "--oom", "kill-process", "--", "sh", "-c", "\(hog); kill -9 $$",
            ])
            #expect(run.state == "failed" && run.cause == "signal" && run.code == 137, "\(run.all)")
            #expect((run.usage("memory_oom_kills") ?? 0) >= 1, "\(run.all)")
            if Machine.canReadKernelLog { #expect(run.message.contains("lived on"), "\(run.all)") }
        }

        @Test(arguments: ["64K", "100K"]) func `a limit too small to start`(limit: String) throws {
            let run = try JobsProgram.run(["--memory", limit, "--", "sh", "-c", "exit 0"])
            // Where the kernel finds nobody to kill it refuses the memory instead, and no kill is no OOM.
            let refused =
                run.state == "failed" && run.cause == "setup" && run.code == 125 && run.message.contains("memory limit")
            #expect(refused || run.state == "out-of-memory" && run.code == 137, "\(run.all)")
            expectNothingLeft()
        }

        @Test func `the effective limit is what the kernel rounded to`() throws {
            let run = try JobsProgram.run(["--memory", "32000000", "--", "true"])
            #expect(run.limit("memory_bytes") == 31_997_952)
        }

        @Test func `files in a private tmpfs are charged and released`() throws {
            let run = try JobsProgram.run(["tmpfs-fill"])
            #expect(run.state == "completed", "\(run.all)")
            // A counter of pages that kernels add up in batches for each CPU.
            #expect((run.usage("memory_shmem_bytes") ?? 0) > 63 << 20)
            let tight = try JobsProgram.run(["--memory", "32M", "tmpfs-fill"])
            #expect(tight.state == "out-of-memory" && tight.cause == "own-limit", "\(tight.all)")
            expectNothingLeft()
        }

        @Test func `the whole group dies at once`() throws {
            let script =
                "for i in 1 2 3 4; do sh -c 'stress --vm 1 --vm-bytes 40M --vm-keep --timeout 3600' & done; sleep 1d; wait"
            let run = try JobsProgram.run(["--memory", "80M", "--", "sh", "-c", script])
            // Were one left, the run would not have ended.
            #expect(run.state == "out-of-memory", "\(run.all)")
            expectNothingLeft()
        }

        @Test func `a limit reached and a failure of its own stay a failure`() throws {
            let scratch = try Scratch()
            let run = try JobsProgram.run(
                [
                    "--memory", "32M", "--", "sh", "-c",
                    "head -c 80M /dev/zero > f; cat f > /dev/null; rm f; kill -9 $$",
                ],
                in: scratch.path)
            #expect(run.state == "failed" && run.cause == "signal" && run.code == 137, "\(run.all)")
            #expect(run.usage("memory_oom_kills") == 0)
        }
    }
}

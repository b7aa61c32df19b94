// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Testing

extension IntegrationTests {
    /// An ordinary user with a systemd user manager: the same limits, by delegation, and the same truth.
    @Suite(.needsRoot, .needsUnified, .needsSystemd, .needsTester)
    struct RootlessTests {
        private func run(_ words: [String]) throws -> JobsProgram.Outcome {
            let scratch = try Scratch()
            let report = scratch.path + "/record.json"
            var outcome = try JobsProgram.execute(
                [
                    "systemd-run", "--user", "-M", "tester@", "--quiet", "--pipe", "--wait", "--collect",
                    JobsProgram.path, "run", "--report", report,
                ]
                    + words, in: "/")
            if let data = FileManager.default.contents(atPath: report) {
                outcome.record = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
            }
            return outcome
        }

        @Test func `a user is who they are inside`() throws {
            let run = try run(["--", "sh", "-c", "id; grep CapEff /proc/self/status | tr -d '\\t'; cat /proc/1/comm"])
            #expect(run.code == 0 && run.output.hasPrefix("uid=1000(tester) gid=1000(tester)"), "\(run.all)")
            #expect(
                !run.output.contains("nobody") && run.output.contains("CapEff:0000000000000000\njobs-init\n"),
                "\(run.all)")
        }

        @Test(.needsMemory) func `a user's memory limit limits`() throws {
            let run = try run([
                "--memory", "40M", "--pids", "16", "--", "stress", "--vm", "1", "--vm-bytes", "100M", "--vm-keep",
                "--timeout", "3600",
            ])
            #expect(run.state == "out-of-memory" && run.cause == "own-limit" && run.code == 137, "\(run.all)")
            #expect(run.limit("memory_bytes") == 40 << 20 && run.limit("pids") == 16)
        }

        @Test func `delegated controllers all work`() throws {
            let run = try run(["--cpus", "0.5", "--cpuset", "0", "--cpu-weight", "50", "--", "nproc"])
            #expect(run.output == "1\n" && run.limit("cpu_weight") == 50, "\(run.all)")
        }

        @Test func `only root may be somebody else or restrict devices`() throws {
            let other = try run(["--user", "root", "--", "true"])
            #expect(other.code == 125 && other.errors.contains("only root"), "\(other.all)")
            let devices = try run(["--devices", "standard", "--", "true"])
            #expect(devices.code == 125 && devices.errors.contains("cannot enforce devices"), "\(devices.all)")
        }

        @Test func `what the payload may not do as its user it may not do inside`() throws {
            let run = try run([
                "--net", "--private-tmp", "--", "sh", "-c", "cat /etc/shadow || echo refused; touch /tmp/x && ls /tmp",
            ])
            #expect(run.output == "refused\nx\n", "\(run.all)")
        }

        @Test(.needsMemory) func `a user's own sandboxes mount proc and lift no limit`() throws {
            let nested = ["--seccomp", "nested", "--memory", "64M"]
            let proc = try run(nested + ["--", "unshare", "-rpf", "--mount-proc", "cat", "/proc/1/comm"])
            #expect(proc.code == 0 && proc.output == "cat\n", "\(proc.all)")
            let attack = try run(nested + ["--", IntegrationTests.AttackTests.program, "lift-limits", "150"])
            #expect(attack.code == 137 && attack.output.isEmpty, "\(attack.all)")
            #expect(!attack.flags.contains("limits-changed"), "\(attack.all)")
            for flag in ["--seccomp=off", "--new-privileges"] {
                let refused = try run([flag, "--", "true"])
                #expect(refused.code == 125 && refused.errors.contains("only root's own jobs"), "\(refused.all)")
            }
        }

        @Test func `daemons of a user go with the job`() throws {
            let run = try run([
                "--env", "MARK=rootless-daemon-\(own)", "--", "sh", "-c", "(setsid sleep 1h &); exit 3",
            ])
            #expect(run.code == 3, "\(run.all)")
            expectNothingLeft(marker: "MARK=rootless-daemon")
        }

        /// Started by the first submission, without root, below the user's own service manager.
        @Test func `a user has a queue of their own`() throws {
            let scratch = try Scratch()
            let jobs = JobsProgram.path
            let script = """
                export JOBS_STATE_DIR=\(scratch.path)/state JOBS_RUNTIME_DIR=\(scratch.path)/run
                \(jobs) submit --wait --name first --output-limit 1M -- sh -c 'id -un; echo $JOBS_ID; exit 3'; echo "code $?"
                \(jobs) submit --wait --memory 40M -- stress --vm 1 --vm-bytes 100M --vm-keep --timeout 3600; echo "code $?"
                for i in 1 2 3 4 5 6; do \(jobs) submit -- true >/dev/null; done; \(jobs) wait 3-8; echo "code $?"
                \(jobs) logs 1
                \(jobs) status --all --json
                \(jobs) submit --user root -- id; echo "code $?"
                kill $(pgrep -u $(id -u) -x jobsd)
                """
            let queue = try JobsProgram.execute(
                [
                    "systemd-run", "--user", "-M", "tester@", "--quiet", "--pipe", "--wait", "--collect", "sh", "-c",
                    script,
                ], in: "/")
            #expect(queue.errors.contains("jobsd"), "says that it started one\n\(queue.all)")
            #expect(queue.output.contains("code 3\n") && queue.output.contains("\ntester\n1\n"), "\(queue.all)")
            if Machine.hasMemory { #expect(queue.output.contains("code 137\n"), "\(queue.all)") }
            #expect(queue.output.contains("code 0\n") && queue.output.contains("code 77\n"), "\(queue.all)")
            #expect(queue.output.components(separatedBy: "\"completed\"").count == 7, "\(queue.all)")
        }
    }
}

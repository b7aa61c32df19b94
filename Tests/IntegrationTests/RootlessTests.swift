// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Testing

extension IntegrationTests {
    /// An ordinary user with a systemd user manager: the same limits, by delegation, and the same truth.
    @Suite(.enabled(if: Machine.isRoot && Machine.isUnified && Machine.hasSystemd && getpwnam("tester") != nil))
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

        @Test(.enabled(if: Machine.hasMemory)) func `a user's memory limit limits`() throws {
            let run = try run([
                "--memory", "40M", "--pids", "16", "--", "stress", "--vm", "1", "--vm-bytes", "100M", "--vm-keep",
                "--timeout", "20",
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

        @Test func `daemons of a user go with the job`() throws {
            let run = try run(["--env", "MARK=rootless-daemon", "--", "sh", "-c", "(setsid sleep 50.5 &); exit 3"])
            #expect(run.code == 3, "\(run.all)")
            expectNothingLeft(marker: "MARK=rootless-daemon")
        }
    }
}

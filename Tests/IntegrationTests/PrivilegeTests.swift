// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Testing

extension IntegrationTests {
    /// Rights that root gives its own jobs: with each flag a program works that fails without.
    @Suite(.needsRoot) struct PrivilegeTests {
        /// Not below `/tmp`, which systemd mounts so that set-user-ID programs there are none.
        private func withFolder(_ body: (String) throws -> Void) throws {
            let folder = "/var/lib/jobs-test-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            try body(folder)
        }

        private func shell(_ script: String, _ flags: [String], prefix: [String] = []) throws -> JobsProgram.Outcome {
            try JobsProgram.run(flags + ["--", "sh", "-c", script], prefix: prefix)
        }

        @Test(arguments: [
            ("chown daemon file && stat -c %U file", "daemon\n"),
            ("su -s /bin/sh daemon -c 'id -un'", "daemon\n"),
            ("tar -cf - private | tar -tf -", "private/\nprivate/file\n"),
            ("mkdir -p out && tar -cf - private | tar -xf - -C out && stat -c %U out/private/file", "daemon\n"),
        ]) func `root's everyday work takes default capabilities`(script: String, output: String) throws {
            try withFolder { folder in
                let make =
                    "umask 77; cd \(folder); echo x > file; mkdir private; echo y > private/file; chown -R daemon private"
                #expect(try JobsProgram.execute(["sh", "-c", make]).code == 0)
                let without = try shell("cd \(folder) && \(script)", [])
                #expect(without.output != output, "\(without.all)")
                let with = try shell("cd \(folder) && \(script)", ["--capabilities", "default"])
                #expect(with.code == 0 && with.output == output, "\(with.all)")
            }
        }

        @Test func `all capabilities are those that root holds`() throws {
            let held = try Credentials.permitted().mask
            let script = "sed -n 's/^CapEff:\\t//p;s/^CapBnd:\\t//p' /proc/self/status"
            let run = try shell(script, ["--capabilities", "all"])
            let text = String(repeating: "0", count: 16 - String(held, radix: 16).count) + String(held, radix: 16)
            #expect(run.output == "\(text)\n\(text)\n", "\(run.all)")
            #expect(run.flags.contains("unconfined") == (held & 1 << 21 != 0), "\(run.all)")
            // Root in a container has fewer.
            let fewer = try shell(
                script, ["--capabilities", "all"],
                prefix: ["setpriv", "--inh-caps=-sys_boot", "--bounding-set=-sys_boot"])
            #expect(UInt64(fewer.output.prefix(16), radix: 16) == held & ~(1 << 22), "\(fewer.all)")
        }

        /// As mail and crontab are made.
        @Test func `a set-group-ID program has its group with new privileges alone`() throws {
            try withFolder { folder in
                let make =
                    "cp \"$(command -v id)\" \(folder)/id && chgrp daemon \(folder)/id && chmod 2755 \(folder)/id"
                #expect(try JobsProgram.execute(["sh", "-c", make]).code == 0)
                for user in ["root", "nobody"] {
                    let own = user == "root" ? "0\n" : "65534\n"
                    let without = try JobsProgram.run(["--user", user, "--", "\(folder)/id", "-g"])
                    #expect(without.output == own, "\(without.all)")
                    let with = try JobsProgram.run(["--user", user, "--new-privileges", "--", "\(folder)/id", "-g"])
                    #expect(with.output == "1\n", "\(with.all)")
                    // The filters are there all the same.
                    let status = try shell(
                        "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t'",
                        ["--user", user, "--new-privileges"])
                    #expect(status.output == "NoNewPrivs:0\nSeccomp:2\n", "\(status.all)")
                }
            }
        }

        @Test(.onBuildMachine) func `no other user gives jobs new privileges`() throws {
            let setpriv = ["setpriv", "--reuid", "2", "--regid", "2", "--clear-groups"]
            let run = try JobsProgram.execute(setpriv + [JobsProgram.path, "run", "--new-privileges", "--", "true"])
            #expect(run.code == 125 && run.errors.contains("only root's own jobs"), "\(run.all)")
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension IntegrationTests {
    /// Programs that work under one profile of system calls and not under another.
    @Suite(.needsRoot) struct ProfileTests {
        private func run(_ profile: String, _ command: [String], user: String = "daemon") throws -> JobsProgram.Outcome
        {
            try JobsProgram.run(["--user", user, "--seccomp", profile, "--directory", "/", "--"] + command)
        }

        private static func has(_ program: String) -> Bool { access(program, X_OK) == 0 }

        @Test func `nested lets a job mount its own proc`() throws {
            let command = ["unshare", "-rpf", "--mount-proc", "sh", "-c", "cat /proc/1/comm; id -u"]
            let run = try run("nested", command)
            #expect(run.code == 0 && run.output == "sh\n0\n", "\(run.all)")
            #expect(try self.run("default", command).code != 0)
        }

        @Test func `nested lets a job turn its root`() throws {
            let script = "mount -t tmpfs x /mnt && mkdir /mnt/old && pivot_root /mnt /mnt/old && cd / && echo /*"
            let command = ["unshare", "-rm", "sh", "-c", script]
            let run = try run("nested", command)
            #expect(run.code == 0 && run.output == "/old\n", "\(run.all)")
            #expect(try self.run("default", command).code != 0)
        }

        @Test func `nested lets a job make cgroup namespaces below a view of its own, on cgroup v2`() throws {
            let command = ["unshare", "-rC", "true"]
            let below = try JobsProgram.run(["--user", "daemon", "--seccomp", "nested", "--cgroup", "--"] + command)
            #expect((below.code == 0) == Machine.isUnified, "\(below.all)")
            #expect(try run("nested", command).code != 0)
            #expect(try JobsProgram.run(["--user", "daemon", "--cgroup", "--"] + command).code != 0)
        }

        @Test(.enabled(if: has("/usr/bin/bwrap"), "needs bubblewrap")) func `bwrap works in nested`() throws {
            let command = [
                "bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--unshare-user",
                "--unshare-pid", "--unshare-net", "--unshare-ipc", "sh", "-c",
                "echo $$; touch /x 2>/dev/null || echo closed",
            ]
            let run = try run("nested", command)
            #expect(run.code == 0 && run.output == "2\nclosed\n", "\(run.all)")
            #expect(try self.run("default", command).code != 0)
        }

        @Test(.enabled(if: has("/usr/bin/perf"), "needs perf"), .onBuildMachine) func `perf works in nested`() throws {
            let command = ["perf", "stat", "-x,", "-e", "task-clock:u", "true"]
            let run = try run("nested", command)
            #expect(run.code == 0 && run.errors.contains("task-clock"), "\(run.all)")
            #expect(try self.run("default", command).code != 0)
        }

        /// libmount from 2.39 on begins with the new calls.
        @Test(arguments: ["default", "nested"]) func `mount works in namespaces of a job's own`(profile: String) throws
        {
            let script = "mount -t tmpfs x /mnt && mount --bind /etc /mnt && ls /mnt/passwd"
            let run = try run(profile, ["unshare", "-rm", "sh", "-c", script])
            #expect(run.code == 0 && run.output == "/mnt/passwd\n", "\(run.all)")
        }

        /// The kernel's own answers are others: EFAULT, EINVAL, or EPERM without a capability.
        @Test(
            .onBuildMachine,
            arguments: [
                ("default", "perf_event_open 1\nmove_mount 38\nfsopen 38\nmount_setattr 38\nkeyctl 38\nbpf 1\n"),
                ("nested", "perf_event_open 14\nmove_mount 1\nfsopen 1\nmount_setattr 22\nkeyctl 38\nbpf 1\n"),
            ]) func `each profile answers as it is documented`(profile: String, answers: String) throws
        {
            let script = #"""
                import ctypes, os
                libc = ctypes.CDLL(None, use_errno=True)
                arm = os.uname().machine == "aarch64"
                calls = {"perf_event_open": 241 if arm else 298, "move_mount": 429, "fsopen": 430, "mount_setattr": 442,
                         "keyctl": 219 if arm else 250, "bpf": 280 if arm else 321}
                for name, number in calls.items():
                    libc.syscall(number, 0, 0, 0, 0, 0)
                    print(name, ctypes.get_errno())
                """#
            let run = try run(profile, ["/usr/bin/python3", "-c", script])
            #expect(run.output == answers, "\(run.all)")
        }

        @Test(.onBuildMachine) func `no other user does without a filter`() throws {
            let setpriv = ["setpriv", "--reuid", "2", "--regid", "2", "--clear-groups"]
            let run = try JobsProgram.execute(setpriv + [JobsProgram.path, "run", "--seccomp", "off", "--", "true"])
            #expect(run.code == 125 && run.errors.contains("only root's own jobs"), "\(run.all)")
        }
    }
}

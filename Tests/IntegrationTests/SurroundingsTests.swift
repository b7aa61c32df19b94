// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import JobModel
import Linux
import Testing

extension IntegrationTests {
    /// Peculiarities of containers, hardened machines and rescue systems: docs/where-it-runs.md.
    @Suite(.enabled(if: Machine.isRoot)) struct SurroundingsTests {
        /// Shell commands before the program, in a mount namespace of its own: the machine sees nothing of them.
        private func prefix(_ setup: String) -> [String] {
            ["unshare", "-m", "sh", "-c", setup + " && exec \"$@\"", "sh"]
        }

        private func expectSeven(_ setup: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
            let run = try JobsProgram.run(["--pids", "8", "--", "sh", "-c", "exit 7"], prefix: prefix(setup))
            #expect(run.code == 7 && run.state == "failed", "\(run.all)", sourceLocation: sourceLocation)
        }

        @Test func `in a chroot`() throws {
            let root = try Scratch()
            let run = try JobsProgram.run(
                ["--pids", "8", "--", "sh", "-c", "exit 7"],
                prefix: [
                    "unshare", "-m", "sh", "-c", "mount --rbind / \(root.path) && exec chroot \(root.path) \"$@\"",
                    "sh",
                ])
            #expect(run.code == 7 && run.state == "failed", "\(run.all)")
        }

        @Test func `on a read-only root`() async throws {
            // The test's own folder stays writable: the record and the state are written there.
            try expectSeven("mount --bind /var/tmp /var/tmp && mount -o remount,bind,ro /")
            let daemon = try Daemon(setup: "mount --bind $scratch $scratch && mount -o remount,bind,ro /")
            try await expectThree(of: daemon)
        }

        @Test(arguments: [
            "mount -t tmpfs -o mode=755 none $state",
            """
            mount -t tmpfs none /mnt && mkdir /mnt/lower /mnt/upper /mnt/work && \
            mount -t overlay -o lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work none $state
            """,
        ])
        func `state on a file system that is not a disk's`(setup: String) async throws {
            try await expectThree(of: try Daemon(setup: setup))
        }

        @Test func `state in a directory of another user's, or that others may write, is refused`() throws {
            let scratch = try Scratch()
            let (state, runtime) = (scratch.path + "/state", scratch.path + "/run")
            func start() throws -> JobsProgram.Outcome {
                // Where the directories do not end it, its database does, which is none.
                let program = JobsProgram.repository.appending(path: ".build/debug/jobsd").path
                return try JobsProgram.execute(
                    [program],
                    environment: ["JOBS_STATE_DIR": state, "JOBS_RUNTIME_DIR": runtime])
            }
            mkdir(state, 0o755)
            mkdir(state + "/jobs.db", 0o755)
            for place in [state, runtime] {
                mkdir(place, 0o755)
                chmod(place, 0o777)
                var outcome = try start()
                #expect(
                    outcome.errors.contains("\(place) may be written by other users; `chmod go-w"), "\(outcome.all)")
                let submitted = try JobsProgram.execute(
                    [JobsProgram.path, "submit", "--", "true"],
                    environment: ["JOBS_STATE_DIR": state, "JOBS_RUNTIME_DIR": runtime])
                #expect(
                    submitted.code != 0 && submitted.errors.contains("\(place) may be written by"), "\(submitted.all)")
                chmod(place, 0o755)
                chown(place, 60001, 0)
                outcome = try start()
                #expect(outcome.errors.contains("\(place) belongs to user 60001, who could have"), "\(outcome.all)")
                chown(place, 0, 0)
            }
            // A link of another user's to a directory of ours.
            let link = scratch.path + "/link"
            symlink(state, link)
            lchown(link, 60001, 0)
            let outcome = try JobsProgram.execute(
                [JobsProgram.path, "submit", "--", "true"], environment: ["JOBS_STATE_DIR": link])
            #expect(outcome.errors.contains("\(link) belongs to user 60001"), "\(outcome.all)")
        }

        private func expectThree(of daemon: Daemon, sourceLocation: SourceLocation = #_sourceLocation) async throws {
            let id = try await daemon.submit("echo words; exit 3")
            try await daemon.wait([id])
            let job = try await daemon.job(id)
            #expect(job["exit_code"]?.intValue == 3, "\(job.text())\n\(daemon.log)", sourceLocation: sourceLocation)
            #expect(try await daemon.output(id) == "words\n", sourceLocation: sourceLocation)
        }

        /// A kernel log that cannot be read costs the victim's name and nothing else.
        @Test(
            .enabled(if: Machine.hasMemory),
            arguments: [
                // Absent. A file system of its own, because the machine's is the kernel's and shows all devices.
                """
                mount -t tmpfs none /mnt && cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /mnt && \
                mkdir /mnt/pts /mnt/shm && mount --move /mnt /dev
                """,
                // As some containers have it: reading gives an end of file, again and again.
                "mount --bind /dev/null /dev/kmsg",
            ])
        func `a kernel log that is none`(setup: String) throws {
            let run = try JobsProgram.run(["--memory", "40M", "--", "tail", "/dev/zero"], prefix: prefix(setup))
            #expect(run.state == "out-of-memory" && run.cause == "own-limit" && run.code == 137, "\(run.all)")
            #expect(run.message.hasPrefix("The kernel killed ") && !run.message.contains("pid"), "\(run.all)")
        }

        @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/pressure"))) func `no pressure files`() throws
        {
            try expectSeven("mount -t tmpfs none /proc/pressure")
        }

        /// A proc of its own: options given to a second mount of the machine's would change that one, too.
        @Test(
            .enabled(if: Machine.kernel(atLeast: 5, 8)),
            arguments: ["hidepid=invisible", "hidepid=ptraceable", "subset=pid"])
        func `a proc that shows less`(options: String) throws {
            try expectSeven("mount -t proc -o \(options) proc /proc")
        }

        @Test func `without proc it says so`() throws {
            let run = try JobsProgram.execute(
                prefix("mount -t tmpfs none /proc") + [JobsProgram.path, "run", "--", "true"])
            #expect(run.code == 125 && run.errors.contains("/proc is not mounted"), "\(run.all)")
        }

        @Test func `a user without an entry in the user database`() async throws {
            let run = try JobsProgram.run(["--user", "54321", "--", "id", "-u"])
            #expect(run.code == 0 && run.output == "54321\n", "\(run.all)")
            let daemon = try Daemon()
            let submit = try JobsProgram.execute(
                JobsProgram.become(54321) + [JobsProgram.path, "submit", "--wait"]
                    + ["--", "sh", "-c", "id -u >&2; exit 3"],
                environment: ["JOBS_STATE_DIR": daemon.state, "JOBS_RUNTIME_DIR": daemon.state + "/run"], in: "/")
            #expect(submit.code == 3, "\(submit.all)\n\(daemon.log)")
            #expect(try await daemon.output(1, "stderr") == "54321\n")
        }

        @Test func `a closed standard input is an empty one`() throws {
            let run = try JobsProgram.execute(
                ["sh", "-c", "exec \"$@\" <&-", "sh", JobsProgram.path, "run", "--quiet", "--", "cat"])
            #expect(run.code == 0 && run.output.isEmpty && run.errors.isEmpty, "\(run.all)")
        }

        /// As two containers may: the pids in the names of their cgroups say nothing to each other, or to systemd.
        @Test func `a job of another pid namespace that shares our cgroup is left alone`() throws {
            let scratch = try Scratch()
            let (ready, go) = (scratch.fifo("ready"), scratch.fifo("go"))
            let other = try JobsProgram.Running([
                // The shell speaks also if the job does not start.
                "sh", "-c", "\"$@\"; code=$?; echo 1<>\(ready); exit $code", "sh", "unshare", "-p", "-f",
                "--mount-proc",
                JobsProgram.path, "run", "--quiet", "--", "sh", "-c", "echo > \(ready); read x < \(go); exit 7",
            ])
            _ = line(from: ready)
            #expect(try JobsProgram.run(["--", "true"]).code == 0)
            let file = try Descriptor.open(go, O_RDWR)
            try file.write("x\n")
            let outcome = other.wait()
            #expect(outcome.code == 7, "\(outcome.all)")
        }

        /// Docker gives a container root without it, and user namespaces where its filter lets them through.
        @Test func `root without CAP_SYS_ADMIN has its jobs in a user namespace`() throws {
            let without = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"]
            let run = try JobsProgram.run(
                ["--pids", "16", "--", "sh", "-c", "id -u; cat /proc/1/comm; wc -l < /proc/self/uid_map"],
                prefix: without)
            #expect(run.code == 0 && run.output.hasPrefix("0\njobs-init\n"), "\(run.all)")
            let doctor = try JobsProgram.execute(without + [JobsProgram.path, "doctor"])
            #expect(doctor.output.contains("in a user namespace that stands in for CAP_SYS_ADMIN"), "\(doctor.all)")
        }

        @Test func `where no job can start, doctor and the error say the same`() throws {
            let bare = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"]
            let doctor = try JobsProgram.execute(bare + [JobsProgram.path, "doctor"])
            #expect(doctor.code == 1 && doctor.output.contains("tried, and refused"), "\(doctor.all)")
            let run = try JobsProgram.run(["--", "true"], prefix: bare)
            #expect(
                run.code == 125 && run.errors.contains("permitted; ") || run.errors.contains("denied; "), "\(run.all)")
        }

        @Test func `inside a job another one is refused, and it is said why`() throws {
            let inner = try JobsProgram.run(["--", JobsProgram.path, "run", "--", "true"])
            #expect(inner.code == 125 && inner.errors.contains("this is inside of a job"), "\(inner.all)")
        }
    }
}

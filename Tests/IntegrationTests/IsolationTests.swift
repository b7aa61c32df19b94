// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Testing

extension IntegrationTests {
    /// What the payload sees, and what it may not do.
    @Suite(.needsRoot) struct IsolationTests {
        private func shell(_ script: String, _ flags: [String] = [], prefix: [String] = []) throws
            -> JobsProgram.Outcome
        {
            try JobsProgram.run(flags + ["--", "sh", "-c", script], prefix: prefix)
        }

        @Test func `the process list is the job's own`() throws {
            let run = try shell("ls /proc | grep -c '^[0-9]'; cat /proc/1/comm")
            let lines = run.output.split(separator: "\n")
            #expect(lines.count == 2 && (Int(lines[0]) ?? 99) <= 5 && lines[1] == "jobs-init", "\(run.all)")
        }

        @Test func `the command can be PID 1 itself`() throws {
            let run = try shell("echo $$; cat /proc/1/comm; setsid sleep 1h & exit 4", ["--no-init"])
            #expect(run.output == "1\nsh\n" && run.code == 4, "\(run.all)")
            expectNothingLeft()
        }

        @Test func `without a PID namespace daemons are found all the same`() throws {
            let run = try shell(
                "(setsid sleep 1h &) ; (setsid setsid sleep 1h &); exit 0",
                ["--no-pid", "--env", "MARK=nopid-daemon-\(own)"])
            #expect(run.code == 0, "\(run.all)")
            expectNothingLeft(marker: "MARK=nopid-daemon")
        }

        @Test func `the host name is the job's`() throws {
            #expect(
                try shell("hostname || cat /proc/sys/kernel/hostname", ["--name", "My Job"]).output.contains("My-Job"))
            #expect(try shell("cat /proc/sys/kernel/hostname", ["--hostname", "elsewhere"]).output == "elsewhere\n")
        }

        @Test func `shared memory is private`() throws {
            let outside = "/dev/shm/jobs-test-outside-\(getpid())"
            _ = FileManager.default.createFile(atPath: outside, contents: Data("x".utf8))
            defer { unlink(outside) }
            let run = try shell("ls -A /dev/shm; echo inside > /dev/shm/jobs-test-inside")
            #expect(run.output.isEmpty && run.code == 0, "\(run.all)")
            #expect(!FileManager.default.fileExists(atPath: "/dev/shm/jobs-test-inside"))
            // Without an IPC namespace too, if it is asked for.
            let asked = try shell(
                "ls -A /dev/shm; echo inside > /dev/shm/jobs-test-inside", ["--no-ipc", "--shm=private"])
            #expect(asked.output.isEmpty && asked.code == 0, "\(asked.all)")
            #expect(!FileManager.default.fileExists(atPath: "/dev/shm/jobs-test-inside"))
        }

        @Test(arguments: ["--shm=host", "--no-ipc", "--no-mount"])
        func `results in the machine's shared memory stay`(flag: String) throws {
            let path = "/dev/shm/jobs-test-\(UUID().uuidString)"
            defer { unlink(path) }
            let run = try shell("echo result > \(path)", [flag])
            #expect(run.code == 0, "\(run.all)")
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "result\n")
        }

        @Test func `a batch user finds what the job wrote in tmp unless it is private`() throws {
            let name = "jobs-test-\(UUID().uuidString)"
            defer { unlink("/tmp/" + name) }
            #expect(try shell("echo x > /tmp/\(name)", ["--private-tmp"]).code == 0)
            #expect(!FileManager.default.fileExists(atPath: "/tmp/" + name))
            #expect(try shell("echo x > /tmp/\(name)").code == 0)
            #expect(FileManager.default.fileExists(atPath: "/tmp/" + name))
        }

        @Test func `a working directory below tmp stays visible`() throws {
            let scratch = try Scratch()
            let run = try JobsProgram.run(
                ["--private-tmp", "--", "sh", "-c", "pwd; echo kept > here; ls -A /var/tmp | wc -l"], in: scratch.path)
            #expect(run.output == "\(scratch.path)\n1\n", "\(run.all)")
            #expect(FileManager.default.fileExists(atPath: scratch.path + "/here"))
        }

        @Test func `no mount leaks in or out`() throws {
            // In a mount namespace of the test's own, whose mounts are shared with every copy of it: what a job mounts
            // would appear here, and nothing that others mount meanwhile.
            let script = """
                mount --make-rprivate / && mount --make-rshared / && cat /proc/self/mountinfo > before &&
                "$@"; echo "code $?"; cat /proc/self/mountinfo > after; cmp before after && echo same
                """
            let scratch = try Scratch()
            let run = try JobsProgram.run(
                [
                    "--quiet", "--private-tmp", "--", "sh", "-c",
                    "grep -q ' /tmp ' /proc/self/mountinfo && echo private",
                ],
                prefix: ["unshare", "--mount", "sh", "-c", script, "sh"], in: scratch.path)
            #expect(run.output == "private\ncode 0\nsame\n", "\(run.all)")
        }

        /// To uid 0 the files of a `/proc` without masks would belong.
        @Test func `no later mount reaches a job of root's`() throws {
            let scratch = try Scratch()
            let host = """
                mount --make-rprivate / && mount --make-rshared / && mkdir late
                "$@" & job=$!
                read x < ready; mount -t proc late late; echo > go; wait $job
                """
            for fifo in ["ready", "go"] { _ = scratch.fifo(fifo) }
            let run = try JobsProgram.run(
                ["--quiet", "--", "sh", "-c", "echo > ready; read x < go; ls late; echo end"],
                prefix: ["unshare", "--mount", "sh", "-c", host, "sh"], in: scratch.path)
            #expect(run.output == "end\n", "\(run.all)")
        }

        @Test(arguments: [["--user", "daemon"], ["--user", "daemon", "--no-pid"]])
        func `the host's mounts and unmounts reach a running job, except where the kernel shows itself`(
            _ flags: [String]
        ) throws {
            let scratch = try Scratch()
            // The host is a mount namespace of the test's own, with mounts that are shared as systemd shares them.
            let host = """
                mount --make-rprivate / && mount --make-rshared / && mkdir usb late queue
                mount -t tmpfs usb usb && touch usb/file
                "$@" & job=$!
                read x < ready
                umount usb && echo unmounted
                mount -t tmpfs late late && touch late/file
                mount -t tmpfs bad queue && touch queue/shown
                for place in /sys /sys/fs/cgroup /sys/kernel /proc/fs /proc/sys /proc/kcore /dev/shm; do
                    test -d $place && mount -t tmpfs bad $place
                    test -f $place && mount --bind late/file $place
                done
                echo > go; read x < ready
                umount late; umount -l late && echo gone
                umount queue
                echo > go
                wait $job; echo "code $?"
                """
            let job = """
                ls usb; echo > ready; read x < go
                ls usb late queue; # On its place in the list, beneath the job's own.
                grep -E ' bad |/late/file' /proc/self/mountinfo | grep -v /queue
                touch /sys/fs/cgroup/written /sys/written 2>/dev/null && echo written
                exec 3< late/file; echo > ready; read x < go
                ls late queue
                """
            for fifo in ["ready", "go"] { _ = scratch.fifo(fifo) }
            let run = try JobsProgram.run(
                ["--quiet"] + flags + ["--", "sh", "-c", job],
                prefix: ["unshare", "--mount", "sh", "-c", host, "sh"],
                environment: ["JOBS_STATE_DIR": scratch.path + "/queue"], in: scratch.path)
            // A file system in use is busy for the host, too; given up by it, it goes from the job's sight.
            #expect(run.errors.contains("late: target is busy"), "\(run.all)")
            let seen = "file\nunmounted\nlate:\nfile\n\nqueue:\n\nusb:\ngone\nlate:\n\nqueue:\ncode 0\n"
            #expect(run.output == seen, "\(run.all)")
        }

        @Test func `a network of its own has only loopback, and it is up`() throws {
            let run = try shell(
                "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '; cat /sys/class/net/lo/flags", ["--net"])
            #expect(run.output.hasPrefix("lo\n"), "\(run.all)")
            let python = try JobsProgram.run(["--net", "--", "python3", "-c", Self.loopback])
            #expect(python.output == "heard\n", "\(python.all)")
        }

        private static let loopback = """
            import socket
            s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
            c = socket.create_connection(s.getsockname()); a, _ = s.accept(); c.send(b"heard"); print(a.recv(9).decode())
            """

        @Test func `a user namespace keeps real names`() throws {
            let run = try shell("id -un; id -u; stat -c %U /etc/passwd; cat /proc/self/uid_map", ["--userns"])
            #expect(run.output.hasPrefix("root\n0\nroot\n"), "\(run.all)")
            let user = try shell("id -u; id -un", ["--userns", "--user", "nobody"])
            #expect(user.output == "65534\nnobody\n", "\(user.all)")
        }

        @Test func `a time namespace shifts both clocks`() throws {
            let script =
                "cut -d' ' -f1 /proc/uptime; python3 -c 'import time; print(int(time.clock_gettime(time.CLOCK_MONOTONIC)))'"
            let run = try shell(script, ["--time-offset", "monotonic=1000d,boottime=2000d"])
            let lines = run.output.split(separator: "\n").compactMap { Double($0) }
            #expect(lines.count == 2 && lines[0] > 2000 * 86400 && lines[1] > 1000 * 86400, "\(run.all)")
        }

        @Test func `limits and figures go by the clock outside of a time namespace`() throws {
            let run = try JobsProgram.run([
                "--time-offset", "monotonic=10d", "--wall-time", "200ms", "--grace", "100ms", "--", "sleep", "1d",
            ])
            #expect(run.state == "timeout" && run.code == 124, "\(run.all)")
            let usage = try #require(run.record["usage"] as? [String: Any])
            let wall = try #require(usage["wall_time_usec"] as? Int)
            #expect((200_000..<864_000_000_000).contains(wall), "without the ten days")
            // That of `true` is far below jobs-init's own.
            let small = try JobsProgram.run(["--time-offset", "boottime=1h", "--", "true"])
            #expect((small.record["usage"] as? [String: Any])?["rss_max_bytes"] is NSNull, "\(small.all)")
        }

        @Test func `another user with the right groups`() throws {
            let run = try shell(
                "id -u; id -g; id -G; echo $HOME; touch /etc/jobs-test-x 2>/dev/null || echo no", ["--user", "daemon"])
            #expect(run.output == "1\n1\n1\n/usr/sbin\nno\n", "\(run.all)")
            let number = try JobsProgram.run(["--user", "1", "--", "id", "-u"])
            #expect(number.output == "1\n", "\(number.all)")
            let setpriv = ["setpriv", "--reuid", "2", "--regid", "2", "--clear-groups"]
            let refused = try JobsProgram.execute(
                setpriv + [JobsProgram.path, "run", "--user", "daemon", "--", "true"])
            #expect(refused.code == 125, "\(refused.all)")
        }

        @Test func `nothing privileged is left`() throws {
            let run = try shell(
                "grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|^Seccomp:' /proc/self/status | tr -d '\\t'")
            let none = "0000000000000000"
            #expect(
                run.output
                    == "CapInh:\(none)\nCapPrm:\(none)\nCapEff:\(none)\nCapBnd:\(none)\nCapAmb:\(none)\nNoNewPrivs:1\nSeccomp:2\n",
                "\(run.all)")
            let asked = try shell("grep CapEff /proc/self/status | tr -d '\\t'", ["--capabilities", "NET_RAW,KILL"])
            #expect(asked.output == "CapEff:0000000000002020\n", "\(asked.all)")
            let user = try shell(
                "grep CapEff /proc/self/status | tr -d '\\t'", ["--capabilities", "NET_RAW", "--user", "daemon"])
            #expect(user.output == "CapEff:0000000000002000\n", "\(user.all)")
        }

        @Test func `refused system calls return EPERM`() throws {
            // AF_VSOCK is a way around the network namespace; without the filter the answer is another error, or a socket.
            let script = "import socket\ntry: socket.socket(40, 1)\nexcept OSError as e: print(e.errno)"
            let on = try JobsProgram.run(["--", "python3", "-c", script])
            #expect(on.output == "1\n", "\(on.all)")
            let without = try JobsProgram.run(["--seccomp", "off", "--", "python3", "-c", script])
            #expect(without.output != "1\n", "\(without.all)")
            let off = try shell("grep ^Seccomp: /proc/self/status | tr -d '\\t'", ["--seccomp", "off"])
            #expect(off.flags.contains("unconfined") && !on.flags.contains("unconfined"), "\(off.all)")
            #expect(off.output == "Seccomp:\((try? Self.ownSeccomp()) ?? "0")\n", "\(off.all)")
        }

        private static func ownSeccomp() throws -> String {
            let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            return status.split(separator: "\n").first { $0.hasPrefix("Seccomp:") }.map { $0.filter(\.isNumber) } ?? "0"
        }

        @Test func `kernel files are masked or read-only`() throws {
            let run = try shell(
                "head -c 1 /proc/kcore | wc -c; echo 1 > /proc/sys/kernel/panic; echo w > /proc/sysrq-trigger; ls /sys/firmware | wc -l"
            )
            #expect(run.output.hasPrefix("0\n") && run.output.hasSuffix("0\n"), "\(run.all)")
            #expect(run.errors.lowercased().contains("read-only"))
        }

        @Test(.needsMemory) func `root cannot raise its own limit`() throws {
            let script =
                "find /sys/fs/cgroup -name 'memory.max' -o -name memory.limit_in_bytes | head -50 | while read f; do echo 1G 2>/dev/null > $f && echo RAISED; done; true"
            let run = try shell(script, ["--memory", "64M"])
            #expect(!run.output.contains("RAISED"), "\(run.all)")
        }

        @Test func `protection from the OOM killer is not handed down`() throws {
            let prefix = ["sh", "-c", "echo -500 > /proc/self/oom_score_adj; exec \"$@\"", "sh"]
            let mayLower = Machine.mayUnprotect
            let run = try shell("cat /proc/self/oom_score_adj", prefix: mayLower ? prefix : [])
            #expect(run.output == "0\n", "\(run.all)")
        }

        @Test func `signals, umask, session and descriptors start clean`() throws {
            let prefix = ["sh", "-c", "trap '' INT PIPE USR1; umask 077; exec 7</etc/passwd; exec \"$@\"", "sh"]
            let script =
                "grep -E 'Sig(Blk|Ign)' /proc/self/status | tr -d '\\t'; umask; ls /proc/self/fd | wc -l; ps -o sid= -p $$ | tr -d ' '; echo $$"
            let run = try shell(script, ["--umask", "022"], prefix: prefix)
            let lines = run.output.split(separator: "\n").map(String.init)
            #expect(lines.count == 6, "\(run.all)")
            guard lines.count == 6 else { return }
            #expect(lines[0] == "SigBlk:0000000000000000" && lines[1] == "SigIgn:0000000000000000", "\(run.all)")
            // 0, 1, 2 and the one ls has open.
            #expect(lines[2] == "0022" && lines[3] == "4", "\(run.all)")
            #expect(lines[4] == lines[5], "the command leads its own session")
        }

        @Test func `the environment tells the job about itself`() throws {
            let run = try shell(
                "echo $JOBS_NAME $JOBS_PIDS_LIMIT $OTHER", ["--pids", "40", "--name", "who", "--env", "OTHER=yes"])
            #expect(run.output == "who 40 yes\n", "\(run.all)")
        }

        @Test func `nothing of ours is charged to the job`() throws {
            guard Machine.hasMemory else { return }
            let run = try JobsProgram.run(["--", "true"])
            // A C program that does nothing; jobs-init alone has more than this.
            if let peak = run.usage("memory_peak_bytes") { #expect(peak < 2 << 20, "\(peak)") }
            #expect(run.usage("pids_peak").map { $0 == 1 } ?? true, "\(run.all)")
        }

        /// In one of its own a job could mount the tree anew and lift its limits.
        @Test func `a job makes no cgroup namespace`() throws {
            let run = try JobsProgram.run(
                [
                    "--", "sh", "-c",
                    "unshare -U true; echo $?; unshare -U --cgroup true; echo $?; unshare --cgroup true; echo $?",
                ])
            #expect(run.output == "0\n1\n1\n", "\(run.all)")
        }

        /// The same by the system calls themselves, of which clone3 has its flags where no filter reads them.
        @Test(.onBuildMachine) func `a job makes none by clone or clone3 either`() throws {
            let script = """
                import ctypes, threading
                libc = ctypes.CDLL(None, use_errno=True)
                def call(*words): return libc.syscall(*words), ctypes.get_errno()
                numbers = {"x86_64": (56, 435), "aarch64": (220, 435)}[__import__("os").uname().machine]
                print(call(numbers[0], 0x02000000 | 17, 0, 0, 0, 0), call(numbers[1], 0, 0))
                thread = threading.Thread(target=lambda: print("thread"))
                thread.start(); thread.join()
                """
            let run = try JobsProgram.run(["--", "python3", "-c", script])
            #expect(run.output == "(-1, 1) (-1, 38)\nthread\n", "\(run.all)")
        }

        /// Without a mount namespace root writes where it likes; its record says so.
        @Test(.needsMemory) func `a limit that was lifted is told`() throws {
            let lift = """
                own=$(sed -n 's/.*:memory://p; s/^0:://p' /proc/self/cgroup | head -n 1)
                for root in /sys/fs/cgroup/memory /sys/fs/cgroup; do
                    echo max > $root$own/memory.max || echo -1 > $root$own/memory.memsw.limit_in_bytes
                    echo -1 > $root$own/memory.limit_in_bytes
                done 2>/dev/null
                true
                """
            let run = try JobsProgram.run(["--memory", "64M", "--no-mount", "--", "sh", "-c", lift])
            #expect(run.code == 0 && run.flags.contains("limits-changed"), "\(run.all)")
            let closed = try JobsProgram.run(["--memory", "64M", "--", "sh", "-c", lift])
            #expect(closed.code == 0 && !closed.flags.contains("limits-changed"), "\(closed.all)")
        }
    }
}

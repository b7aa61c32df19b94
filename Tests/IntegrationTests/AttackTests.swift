// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Linux
import Testing

extension IntegrationTests {
    /// A hostile job: Tests/attacks is its command, which prints a line for each way that is open. SECURITY.md promises
    /// what is tried here.
    @Suite(.needsRoot) struct AttackTests {
        /// A job of root's has no capabilities; another user's owns no file of ours; in a user namespace it has all
        /// capabilities over what it makes itself; with a view of cgroups it has some of its own; in `nested` it has more calls.
        static let jobs = Machine.isBuildMachine ? some + others : some
        /// In virtual machines, where each takes seconds.
        private static let some = [[], ["--userns"], ["--cgroup"], nested + ["--userns"], nested + ["--cgroup"]]
        private static let others = [
            ["--user", "daemon"], ["--no-pid"], ["--capabilities", "default"],
            nested, nested + ["--user", "daemon"], nested + ["--capabilities", "default"],
        ]
        private static let nested = ["--seccomp", "nested"]

        static let program = JobsProgram.repository.appending(path: ".build/debug/attack").path

        private func attack(_ words: [String], flags: [String]) throws -> JobsProgram.Outcome {
            try JobsProgram.run(["--env", "MARK=attack-\(own)"] + flags + ["--", Self.program] + words)
        }

        @Test(.needsMemory, arguments: jobs) func `no job lifts its limits`(flags: [String]) throws {
            let run = try attack(["lift-limits", "150"], flags: ["--memory", "64M"] + flags)
            #expect(run.code == 137 && run.state == "out-of-memory", "\(run.all)")
            // The cgroup that is the root of its view is the job's to write; the limits are above it.
            if !flags.contains("--cgroup") { #expect(run.output.isEmpty, "\(run.all)") }
            #expect(run.cause == "own-limit" && !run.flags.contains("limits-changed"), "\(run.all)")
        }

        @Test(arguments: jobs.filter { !$0.contains("--cgroup") }) func `no job finds a limit that it may write`(
            flags: [String]
        ) throws {
            let run = try attack(["climb"], flags: flags)
            #expect(run.code == 0 && run.output.isEmpty, "\(run.all)")
        }

        @Test(arguments: jobs) func `system calls that were ways out are refused by every entry`(flags: [String]) throws
        {
            let run = try attack(
                ["refused-calls"] + (flags.contains("nested") ? ["perf_event_open"] : []), flags: flags)
            #expect(run.code == 0 && run.output.isEmpty, "\(run.all)")
        }

        /// Without a capability uid 0 writes `/proc/sys`, in whatever namespaces.
        @Test(arguments: jobs) func `no job writes the kernel's files`(flags: [String]) throws {
            let run = try attack(["kernel-files"], flags: flags)
            #expect(run.code == 0 && run.output.isEmpty, "\(run.all)")
        }

        /// Without a PID namespace the number 1 is the host's init, which is no concern of ours.
        @Test(arguments: jobs.filter { $0 != ["--no-pid"] }) func `no job acts through its init`(flags: [String]) throws
        {
            let run = try attack(["reach-init"], flags: flags)
            #expect(run.code == 0 && run.output.isEmpty, "\(run.all)")
        }

        @Test(arguments: jobs) func `no job makes devices or types into the terminal`(flags: [String]) throws {
            let pair = try Terminal.openPair()
            let words = ([JobsProgram.path, "run", "--quiet"] + flags + ["--", Self.program, "devices"])
            // The terminal is that of the session in which jobs runs, as in a shell.
            let session = try JobsProgram.Running(
                ["setsid", "--ctty", "sh", "-c", "\(words.joined(separator: " ")); echo code $?"],
                terminal: pair.slave)
            var seen = ""
            while !seen.contains("code "), let bytes = try? pair.master.read(), !bytes.isEmpty {
                seen += String(decoding: bytes, as: UTF8.self)
            }
            #expect(seen.hasPrefix("code 0"), "\(seen)")
            _ = session.wait()
        }

        @Test func `a fork bomb stops at its limit and leaves nothing`() throws {
            let run = try attack(["fork-bomb"], flags: ["--pids", "60", "--linger", "0", "--grace", "0"])
            #expect(run.code == 0 && run.output == "59\n", "\(run.all)")
            expectNothingLeft(marker: "attack")
        }

        @Test(.needsUnifiedTree, .onBuildMachine) func `twenty thousand cgroups of a job are removed`() throws {
            let root = Machine.isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/unified"
            let run = try JobsProgram.run([
                "--cgroup", "--", "sh", "-c", "cd \(root) && seq -f n%g 20000 | xargs mkdir && ls -d n* | wc -l",
            ])
            #expect(run.code == 0 && run.output == "20000\n", "\(run.all)")
            expectNothingLeft()
        }
    }
}

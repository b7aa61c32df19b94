// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Cgroups
import JobModel
import Testing

@testable import Supervisor

/// The one sentence that says why, and the OOM evidence from counters and kernel log.
@Suite struct VerdictMessageTests {
    private let killed = ExitStatus(signal: 9)
    private let stress = OOMVictim(process: "stress", pid: 4711, anonRSSBytes: 90 << 20)

    private func message(_ evidence: Evidence) -> String { VerdictRules.decide(evidence).verdict.message }

    private func oom(_ log: [KernelOOM], kills: Int = 1, own: Int? = 0, ancestors: [String] = []) -> Evidence {
        evidence(exit: killed) {
            $0.oom = OOMCounters(kills: kills, ownLimitEvents: own)
            $0.kernelLog = log
            $0.ancestorsReached = ancestors
        }
    }

    private func entry(_ limit: String?, _ victims: [OOMVictim] = []) -> KernelOOM {
        KernelOOM(limitPath: limit, taskPath: "/jobs/run-7-99", victims: victims)
    }

    // MARK: What never started

    @Test func `an execve or a set-up that was held up is told`() {
        for change in [{ $0.timeLimit = .wall }, { $0.cancelledBy = 15 }, { $0.cancelledBy = 2 }]
            as [(inout Evidence) -> Void]
        {
            var held = evidence(exit: killed, change)
            #expect(!message(held).contains("never started"))
            held.neverExecuted = true
            #expect(
                message(held).hasSuffix(
                    "never started: executing it was held up, as by a file system that does not answer."))
            (held.neverExecuted, held.hasStarted, held.exit) = (false, false, nil)
            #expect(
                message(held).hasSuffix(
                    "never started: its set-up was held up, as by a file system that does not answer."))
        }
    }

    @Test func `those that were left behind are named`() {
        var left = evidence(exit: nil) { $0.cancelledBy = 2 }
        left.leftBehind = ["cat (pid 7, state D)"]
        #expect(
            message(left)
                == "It was interrupted by SIGINT. It left cat (pid 7, state D) behind, which SIGKILL has not ended.")
    }

    // MARK: Which limit

    @Test func `the log names our own limit, and that of a cgroup the job made`() {
        for path in ["/jobs/run-7-99", "/run-7-99"] {
            let (verdict, oom) = VerdictRules.decide(oom([entry(path, [stress])]))
            #expect(verdict.cause == .ownLimit)
            let place = "/sys/fs/cgroup/jobs/run-7-99"
            #expect(
                oom == OOMEvidence(source: .kernelLog, cause: .ownLimit, victims: [stress], limitPath: place))
        }
        let inner = "/sys/fs/cgroup/jobs/run-7-99/inner"
        let (verdict, evidence) = VerdictRules.decide(oom([entry("/jobs/run-7-99/inner", [stress])]))
        #expect(verdict.cause == .ownLimit)
        #expect(evidence?.limitPath == inner)
        #expect(verdict.message.contains("at the limit of a cgroup that it had made, \(inner)."))
    }

    /// v1 does not count every limit that was reached, so the counters alone rule nothing out.
    @Test func `the whole machine is named with a doubt where a limit above may have gone uncounted`() {
        var evidence = oom([], own: nil)
        #expect(message(evidence).hasSuffix("because the whole machine ran out of memory."))
        evidence.limits.ancestorMemoryBytes = 30 << 20
        #expect(message(evidence).contains("or what is above the job reached its limit of 30 M; the kernel log"))
        evidence.oom.ownLimitEvents = 0
        #expect(message(evidence).hasSuffix("because the whole machine ran out of memory."))
    }

    @Test func `the log names an ancestor, and a name that only begins like ours is not ours`() {
        for path in ["/jobs", "/", "/jobs/run-7-9", "/jobs/run-7-99-1", "/xrun-7-99"] {
            let (verdict, oom) = VerdictRules.decide(oom([entry(path, [stress])]))
            #expect(verdict.cause == .ancestorLimit, "\(path)")
            #expect(oom?.cause == .ancestorLimit)
            let seen = ["/jobs": "/sys/fs/cgroup/jobs", "/": "/sys/fs/cgroup"][path]
            #expect(oom?.limitPath == seen, "\(path)")
            let name = seen ?? "a cgroup above it"
            #expect(verdict.message.contains("because \(name) reached its limit, not the job"))
        }
    }

    /// A container sees the tree from its own cgroup on, and the log tells paths from the root.
    @Test func `one format of paths, and none that cannot be seen`() {
        func path(_ limit: String) -> String? {
            var evidence = oom([
                KernelOOM(limitPath: limit, taskPath: "/docker/abc/jobs/run-7-99/inner", victims: [])
            ])
            (evidence.memoryPath, evidence.memoryMount) = (
                "/sys/fs/cgroup/memory/jobs/run-7-99", "/sys/fs/cgroup/memory"
            )
            return VerdictRules.decide(evidence).oom?.limitPath
        }
        #expect(path("/docker/abc/jobs/run-7-99/inner/x") == "/sys/fs/cgroup/memory/jobs/run-7-99/inner/x")
        #expect(path("/docker/abc/jobs") == "/sys/fs/cgroup/memory/jobs")
        #expect(path("/docker/abc") == "/sys/fs/cgroup/memory")
        #expect(path("/docker") == nil && path("/") == nil)
    }

    @Test func `a victim that the log names twice is told once`() {
        let evidence = oom([entry("/jobs/run-7-99", [stress]), entry("/jobs/run-7-99", [stress])], kills: 2)
        #expect(VerdictRules.decide(evidence).oom?.victims == [stress])
    }

    @Test func `a kill that the attempt outlived has its cause`() {
        for (log, cause, words) in [
            ("/jobs/run-7-99", Cause.ownLimit, "at its memory limit"),
            ("/jobs", .ancestorLimit, "at the limit of /sys/fs/cgroup/jobs"), (nil, .system, "whole machine"),
        ] as [(String?, Cause, String)] {
            var evidence = oom([entry(log, [stress])])
            (evidence.policy, evidence.exit) = (.killProcess, ExitStatus(code: 0))
            let (verdict, oom) = VerdictRules.decide(evidence)
            #expect(verdict.state == .completed && oom?.cause == cause)
            #expect(verdict.message.contains(words) && verdict.message.contains("lived on"), "\(verdict.message)")
        }
    }

    @Test func `a time limit does not contradict the time that a suspended job took`() {
        let usage = evidence { ($0.timeLimit, $0.usage.suspendedUsec) = (.wall, 3_000_000) }
        #expect(message(usage).hasSuffix("by its wall-time limit of 30s, beside the 3s that it was suspended."))
    }

    @Test func `a log entry without a limit is the whole machine`() {
        let (verdict, oom) = VerdictRules.decide(oom([entry(nil, [stress])]))
        #expect(verdict.cause == .system)
        #expect(oom == OOMEvidence(source: .kernelLog, cause: .system, victims: [stress], limitPath: nil))
        #expect(verdict.message.contains("whole machine"))
    }

    /// An earlier OOM of its own, survived, and later the machine's: the counters alone would blame the job.
    @Test func `the log goes before the counters`() {
        #expect(VerdictRules.decide(oom([entry(nil)], own: 3)).verdict.cause == .system)
        #expect(VerdictRules.decide(oom([entry("/jobs/run-7-99")], own: 0)).verdict.cause == .ownLimit)
        #expect(VerdictRules.decide(oom([entry(nil)], ancestors: ["/x"])).verdict.cause == .system)
    }

    @Test func `of several kills the last is the cause, and all victims are evidence`() {
        let first = OOMVictim(process: "worker", pid: 1, anonRSSBytes: nil)
        let (verdict, oom) = VerdictRules.decide(oom([entry("/jobs", [first]), entry("/jobs/run-7-99", [stress])]))
        #expect(verdict.cause == .ownLimit)
        #expect(oom?.victims == [first, stress])
        #expect(verdict.message.contains("stress (pid 4711") && !verdict.message.contains("worker"))
    }

    @Test func `a log without kills in the counters proves nothing`() {
        let (verdict, oom) = VerdictRules.decide(oom([entry("/jobs/run-7-99", [stress])], kills: 0))
        #expect(verdict.state == .failed && verdict.cause == .signal)
        #expect(oom == nil)
    }

    @Test func `counters are evidence with the nearest ancestor`() {
        let (verdict, oom) = VerdictRules.decide(oom([], ancestors: ["/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a"]))
        #expect(verdict.cause == .ancestorLimit)
        #expect(oom == OOMEvidence(source: .counters, cause: .ancestorLimit, limitPath: "/sys/fs/cgroup/a/b"))
        let own = VerdictRules.decide(self.oom([], own: 1, ancestors: ["/a"])).oom
        #expect(own?.cause == .ownLimit && own?.limitPath == "/sys/fs/cgroup/jobs/run-7-99")
    }

    // MARK: Words

    @Test func `the victim, its size and the limit are in the message`() {
        let text = message(oom([entry("/jobs/run-7-99", [stress])]))
        #expect(text.contains("killed stress (pid 4711, 90 M anonymous)"), "\(text)")
        #expect(text.contains("its own memory limit of 100 M."), "\(text)")
    }

    @Test func `without the log the number of kills is in the message`() {
        #expect(message(oom([], kills: 1, own: 1)).contains("killed a process of it when"))
        #expect(message(oom([], kills: 5, own: 1)).contains("killed processes of it when"))
    }

    @Test func `a limit that the job set itself has no figure of ours`() {
        var evidence = oom([entry("/jobs/run-7-99/inner")])
        evidence.limits.memoryBytes = nil
        #expect(message(evidence).contains("at the limit of a cgroup that it had made"))
    }

    @Test func `a job killed before its command began says so`() {
        var evidence = oom([], own: 1)
        evidence.neverExecuted = true
        #expect(message(evidence).contains("before its command even started"))
        evidence = oom([], own: 1)
        #expect(!message(evidence).contains("before its command"))
        evidence.exit = nil
        evidence.setupFailure = .init(step: "start", detail: "x", errno: 32)
        #expect(message(evidence).contains("before its command even started"))
    }

    @Test func `when jobs-init is lost nobody knows whether the command had begun`() {
        var evidence = oom([], own: 1)
        evidence.exit = nil
        #expect(!message(evidence).contains("before its command"))
    }

    @Test func `main's own status is told beside an OOM kill`() {
        var evidence = oom([], own: 1)
        evidence.exit = ExitStatus(code: 0)
        #expect(message(evidence).contains("main process itself ended with status 0"))
        evidence.exit = killed
        #expect(!message(evidence).contains("main process itself"))
    }

    @Test func `under kill-process the kills that main survived are counted`() {
        var evidence = oom([], kills: 3, own: 1)
        evidence.policy = .killProcess
        evidence.exit = ExitStatus(code: 0)
        #expect(
            message(evidence)
                == "It exited with status 0. The kernel's OOM killer took 3 processes at its memory limit and the main process lived on (oom: kill-process)."
        )
        evidence.oom.kills = 1
        evidence.exit = ExitStatus(code: 4)
        #expect(message(evidence).hasPrefix("It exited with status 4. The kernel's OOM killer took one process at"))
    }

    @Test func `times, signals and commands are in their messages`() {
        #expect(
            message(evidence(exit: killed) { $0.timeLimit = .wall }) == "It was ended by its wall-time limit of 30s.")
        #expect(
            message(evidence(exit: killed) { $0.timeLimit = .cpu }) == "It was ended by its cpu-time limit of 10s.")
        #expect(message(evidence { $0.cancelledBy = 2 }) == "It was interrupted by SIGINT.")
        #expect(message(evidence { $0.cancelledBy = 15 }) == "It was cancelled by SIGTERM.")
        #expect(message(evidence(exit: ExitStatus(signal: 11))) == "It was ended by SIGSEGV.")
        #expect(message(evidence(exit: ExitStatus(signal: 40))) == "It was ended by signal 40.")
        #expect(message(evidence(exit: ExitStatus(code: 3))) == "It exited with status 3.")
        #expect(message(evidence(exit: nil)).contains("jobs-init"))
    }

    @Test func `a failed set-up names step, subject and reason`() {
        func failed(_ detail: String, _ errno: CInt, isCommand: Bool) -> String {
            message(
                evidence(exit: nil) {
                    $0.setupFailure = .init(step: "mount", detail: detail, errno: errno, isCommand: isCommand)
                })
        }
        #expect(failed("/proc", 1, isCommand: false) == "It could not be set up: mount /proc: Operation not permitted.")
        #expect(failed("frob", 2, isCommand: true) == "Command not found: frob.")
        #expect(failed("/etc/passwd", 13, isCommand: true) == "/etc/passwd cannot be executed: Permission denied.")
    }

    @Test func `a cancelled job that never ran has no exit of its own`() {
        let verdict = VerdictRules.decide(evidence(exit: nil) { $0.cancelledBy = 15 }).verdict
        #expect(verdict.exit == ExitStatus())
        #expect(verdict.processExitCode == 143)
    }
}

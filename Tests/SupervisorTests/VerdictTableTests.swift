// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Cgroups
import JobModel
import Testing

@testable import Supervisor

/// One row of DESIGN 4.3: what was found, and what it must be called.
struct VerdictRow: Sendable, CustomTestStringConvertible {
    var name: String
    var evidence: Evidence
    var state: JobState
    var cause: Cause
    var code: Int32

    init(_ name: String, _ state: JobState, _ cause: Cause, _ code: Int32, _ evidence: Evidence) {
        (self.name, self.state, self.cause, self.code, self.evidence) = (name, state, cause, code, evidence)
    }

    var testDescription: String { name }
}

@Suite struct VerdictTableTests {
    private static let killed = ExitStatus(signal: 9)
    private static let ownLimit = OOMCounters(kills: 2, ownLimitEvents: 1, groupKills: 1)
    private static let otherLimit = OOMCounters(kills: 1, ownLimitEvents: 0)

    /// A main process, 42, that was ended by SIGKILL, and what the kernel's log and counter say of OOM kills.
    private static func killed(oom victims: [Int], kills: Int, limit: String?, main: Int? = 42) -> Evidence {
        evidence(exit: killed) {
            $0.oom = OOMCounters(kills: kills, ownLimitEvents: limit == nil ? 0 : 1)
            $0.mainPid = main
            $0.kernelLog = victims.map {
                let victim = OOMVictim(process: "stress", pid: $0, anonRSSBytes: nil)
                return KernelOOM(limitPath: limit, taskPath: "/run-7-99", victims: [victim])
            }
        }
    }

    private static let withoutOOM: [VerdictRow] = [
        VerdictRow("exit 0", .completed, .success, 0, evidence()),
        VerdictRow("exit 3", .failed, .exitStatus, 3, evidence(exit: ExitStatus(code: 3))),
        VerdictRow(
            "exit 137 is a number like any other", .failed, .exitStatus, 137, evidence(exit: ExitStatus(code: 137))),
        VerdictRow("SEGV", .failed, .signal, 139, evidence(exit: ExitStatus(signal: 11))),
        VerdictRow("a KILL that no OOM killer sent", .failed, .signal, 137, evidence(exit: killed)),
        VerdictRow(
            "cache fills the limit to the brim", .completed, .success, 0,
            evidence {
                $0.oom = OOMCounters(kills: 0, ownLimitEvents: 0, limitHits: 274)
                $0.usage.memoryPeakBytes = $0.limits.memoryBytes
                $0.usage.memoryLimitHits = 274
            }),
        VerdictRow(
            "OOM events without a kill, all processes at -1000", .timeout, .wallTime, 124,
            evidence(exit: killed) {
                $0.oom = OOMCounters(kills: 0, ownLimitEvents: 1027)
                $0.timeLimit = .wall
            }),
        VerdictRow(
            "wall time", .timeout, .wallTime, 124, evidence(exit: ExitStatus(signal: 15)) { $0.timeLimit = .wall }),
        VerdictRow("cpu time", .timeout, .cpuTime, 124, evidence(exit: killed) { $0.timeLimit = .cpu }),
        VerdictRow("wall time, and TERM was taken well", .timeout, .wallTime, 124, evidence { $0.timeLimit = .wall }),
        VerdictRow(
            "wall time before cancel", .timeout, .wallTime, 124,
            evidence(exit: killed) { ($0.timeLimit, $0.cancelledBy) = (.wall, 15) }),
        VerdictRow(
            "interrupted", .cancelled, .interrupted, 130, evidence(exit: ExitStatus(signal: 2)) { $0.cancelledBy = 2 }),
        VerdictRow(
            "cancelled", .cancelled, .cancelled, 143, evidence(exit: ExitStatus(signal: 15)) { $0.cancelledBy = 15 }),
        VerdictRow(
            "cancelled before it began", .cancelled, .cancelled, 143, evidence(exit: nil) { $0.cancelledBy = 15 }),
        VerdictRow(
            "set-up failed", .failed, .setup, 125,
            evidence(exit: nil) { $0.setupFailure = .init(step: "mount", detail: "/proc", errno: 1) }),
        VerdictRow(
            "command not found", .failed, .notExecutable, 127,
            evidence(exit: nil) { $0.setupFailure = .init(step: "execute", detail: "x", errno: 2, isCommand: true) }),
        VerdictRow(
            "command not executable", .failed, .notExecutable, 126,
            evidence(exit: nil) { $0.setupFailure = .init(step: "execute", detail: "x", errno: 13, isCommand: true) }),
        VerdictRow(
            "a missing file of the set-up is no missing command", .failed, .setup, 125,
            evidence(exit: nil) { $0.setupFailure = .init(step: "enter", detail: "/x", errno: 2) }),
        VerdictRow("no word from jobs-init", .lost, .supervisorLost, 125, evidence(exit: nil)),
    ]

    private static let killJob: [VerdictRow] = [
        VerdictRow("own limit", .outOfMemory, .ownLimit, 137, evidence(exit: killed) { $0.oom = ownLimit }),
        VerdictRow(
            "a child killed, main exits 0", .outOfMemory, .ownLimit, 137, evidence { $0.oom = ownLimit }),
        VerdictRow(
            "a child killed, main exits 2", .outOfMemory, .ownLimit, 137,
            evidence(exit: ExitStatus(code: 2)) { $0.oom = ownLimit }),
        VerdictRow(
            "an ancestor's limit", .outOfMemory, .ancestorLimit, 137,
            evidence(exit: killed) { ($0.oom, $0.ancestorsReached) = (otherLimit, ["/sys/fs/cgroup/a"]) }),
        VerdictRow("the whole machine", .outOfMemory, .system, 137, evidence(exit: killed) { $0.oom = otherLimit }),
        VerdictRow(
            "out-of-memory before wall time", .outOfMemory, .ownLimit, 137,
            evidence(exit: killed) { ($0.oom, $0.timeLimit) = (ownLimit, .wall) }),
        VerdictRow(
            "out-of-memory before cpu time", .outOfMemory, .ownLimit, 137,
            evidence(exit: killed) { ($0.oom, $0.timeLimit) = (ownLimit, .cpu) }),
        VerdictRow(
            "out-of-memory before cancel", .outOfMemory, .ownLimit, 137,
            evidence(exit: killed) { ($0.oom, $0.cancelledBy) = (ownLimit, 15) }),
        VerdictRow(
            "killed before its command began", .outOfMemory, .ownLimit, 137,
            evidence(exit: killed) { ($0.oom, $0.neverExecuted) = (ownLimit, true) }),
        VerdictRow(
            "killed so early that the set-up failed", .outOfMemory, .ownLimit, 137,
            evidence(exit: nil) {
                $0.oom = ownLimit
                $0.setupFailure = .init(step: "start", detail: "x", errno: 32)
            }),
        VerdictRow(
            "killed and jobs-init lost", .outOfMemory, .ownLimit, 137, evidence(exit: nil) { $0.oom = ownLimit }),
        VerdictRow(
            "v1, its limit reached", .outOfMemory, .ownLimit, 137,
            evidence(exit: killed) { $0.oom = OOMCounters(kills: 1, limitHits: 3, reachedLimit: true) }),
        VerdictRow(
            "v1, its limit reached and not counted", .outOfMemory, .ownLimit, 137,
            evidence(exit: killed) { $0.oom = OOMCounters(kills: 1, limitHits: nil, reachedLimit: true) }),
        VerdictRow(
            "v1, its limit not reached but an ancestor's", .outOfMemory, .ancestorLimit, 137,
            evidence(exit: killed) {
                ($0.oom, $0.ancestorsReached) = (
                    OOMCounters(kills: 1, limitHits: 0, reachedLimit: false), ["/sys/fs/cgroup/memory/a"]
                )
            }),
        VerdictRow(
            "v1, nobody's limit reached", .outOfMemory, .system, 137,
            evidence(exit: killed) { $0.oom = OOMCounters(kills: 1, limitHits: 0, reachedLimit: false) }),
    ]

    private static let killProcess: [VerdictRow] = [
        VerdictRow("a child killed, main exits 0", .completed, .success, 0, evidence { $0.oom = ownLimit }),
        VerdictRow(
            "a child killed, main exits 2", .failed, .exitStatus, 2,
            evidence(exit: ExitStatus(code: 2)) { $0.oom = ownLimit }),
        VerdictRow(
            "a child killed, main dies of SEGV", .failed, .signal, 139,
            evidence(exit: ExitStatus(signal: 11)) { $0.oom = ownLimit }),
        VerdictRow(
            "main is the victim", .outOfMemory, .ownLimit, 137, killed(oom: [41, 42], kills: 2, limit: "/run-7-99")),
        VerdictRow("main is the machine's victim", .outOfMemory, .system, 137, killed(oom: [42], kills: 1, limit: nil)),
        VerdictRow(
            "main is the victim, and others are not named", .outOfMemory, .ownLimit, 137,
            killed(oom: [42], kills: 5, limit: "/run-7-99")),
        VerdictRow(
            "main is the only process, without a log", .outOfMemory, .ownLimit, 137,
            evidence(exit: killed) { ($0.oom, $0.usage.pidsPeak) = (OOMCounters(kills: 1, ownLimitEvents: 1), 1) }),
        VerdictRow(
            "a child is the victim, and somebody kills main", .failed, .signal, 137,
            killed(oom: [41], kills: 1, limit: "/run-7-99")),
        VerdictRow(
            "main killed, not every victim named", .failed, .signal, 137,
            killed(oom: [41], kills: 2, limit: "/run-7-99")),
        VerdictRow(
            "main killed, no log", .failed, .signal, 137,
            evidence(exit: killed) { ($0.oom, $0.mainPid) = (OOMCounters(kills: 1, ownLimitEvents: 1), 42) }),
        VerdictRow(
            "main killed, the log's numbers are another namespace's", .failed, .signal, 137,
            killed(oom: [41], kills: 1, limit: "/run-7-99", main: nil)),
        VerdictRow(
            "a child killed, later out of wall time", .timeout, .wallTime, 124,
            evidence(exit: killed) { ($0.oom, $0.timeLimit) = (ownLimit, .wall) }),
        VerdictRow(
            "a child killed, later cancelled", .cancelled, .cancelled, 143,
            evidence(exit: ExitStatus(signal: 15)) { ($0.oom, $0.cancelledBy) = (ownLimit, 15) }),
        VerdictRow("main killed by somebody, no OOM at all", .failed, .signal, 137, evidence(exit: killed)),
    ]

    private func check(_ row: VerdictRow, _ policy: OOMPolicy) {
        var evidence = row.evidence
        evidence.policy = policy
        let (verdict, oom) = VerdictRules.decide(evidence)
        #expect(verdict.state == row.state)
        #expect(verdict.cause == row.cause)
        #expect(verdict.processExitCode == row.code)
        #expect((oom != nil) == (evidence.oom.kills > 0), "evidence of OOM kills goes with the counter")
        #expect(verdict.message.hasSuffix(".") && !verdict.message.contains("?"), "\(verdict.message)")
        if let exit = evidence.exit { #expect(verdict.exit == exit, "the main process's own end is kept beside it") }
    }

    @Test(arguments: withoutOOM, OOMPolicy.allCases)
    func `without an OOM kill the policy makes no difference`(_ row: VerdictRow, _ policy: OOMPolicy) {
        check(row, policy)
    }

    @Test(arguments: killJob) func `kill-job, any kill ends the job`(_ row: VerdictRow) { check(row, .killJob) }

    @Test(arguments: killProcess) func `kill-process, main's own end decides`(_ row: VerdictRow) {
        check(row, .killProcess)
    }
}

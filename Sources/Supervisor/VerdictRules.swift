// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Cgroups
import Glibc
import JobModel
import Linux
import SystemPackage

/// Everything that is known about how an attempt ended. The verdict is a function of this and nothing else.
package struct Evidence: Sendable {
    package var policy = OOMPolicy.killJob
    package var exit: ExitStatus?
    package var neverExecuted = false
    package var setupFailure: SetupFailure?
    /// The remedy on this machine, where the error tells.
    package var setupRemedy: String?
    package var oom = OOMCounters()
    /// Ancestors whose OOM counter rose during the attempt, nearest first.
    package var ancestorsReached: [String] = []
    package var kernelLog: [KernelOOM] = []
    /// The main process, as the kernel log numbers it; `nil` in a PID namespace, whose numbers are others.
    package var mainPid: Int?
    package var cgroupName = ""
    /// Its directory in the hierarchy of the memory controller, and where that is mounted.
    package var memoryPath: String?
    package var memoryMount = ""
    package var timeLimit: Report.TimeLimit?
    package var cancelledBy: Int?
    /// What its report says that cannot be; nothing of the report counts then.
    package var disbelief: String?
    /// Why what its files say is not known: how it ended is not, either.
    package var unreadable: String?
    /// jobs-init was asked to end by somebody who is not its daemon.
    package var endedFromOutside = false
    /// Without a PID namespace the job's processes may send jobs-init any signal if it has the same user.
    package var jobReachesInit = false
    /// jobs-init has told so: its command's process exists.
    package var hasStarted = false
    /// Processes that SIGKILL has not ended, and that nobody waited for.
    package var leftBehind: [String] = []
    /// Processes that did not end by themselves after the main one had.
    package var rest = Rest()
    package var limits = EffectiveLimits()
    package var usage = Usage()

    package init() {}
}

/// DESIGN 4.3 as code: out-of-memory > timeout > cancelled > the exit status.
package enum VerdictRules {
    package static func decide(_ evidence: Evidence) -> (verdict: Verdict, oom: OOMEvidence?) {
        let oom = evidence.oom.kills > 0 ? self.oom(evidence) : nil
        let exit = evidence.exit ?? ExitStatus()
        func verdict(_ state: JobState, _ cause: Cause, _ message: String, exit: ExitStatus = exit) -> (
            Verdict, OOMEvidence?
        ) {
            // An OOM kill of a whole job is told as such.
            var rest = state == .outOfMemory ? "" : told(evidence.rest)
            if !evidence.leftBehind.isEmpty {
                let names = evidence.leftBehind.joined(separator: ", ")
                rest += " It left \(names) behind, which SIGKILL has not ended."
            }
            return (Verdict(state: state, cause: cause, exit: exit, message: message + rest), oom?.evidence)
        }
        if let oom, endsAttempt(evidence) { return verdict(.outOfMemory, oom.cause, oomMessage(evidence, oom)) }
        if let disbelief = evidence.disbelief {
            return verdict(
                .lost, .supervisorLost,
                "Its report cannot be jobs-init's own, so how it ended is not known: \(disbelief).")
        }
        if let limit = evidence.timeLimit {
            return limit == .wall
                ? verdict(
                    .timeout, .wallTime,
                    "It was ended by its wall-time limit of \(duration(evidence.limits.wallTimeUsec))\(suspension(evidence)).\(heldUp(evidence))"
                )
                : verdict(
                    .timeout, .cpuTime,
                    "It was ended by its cpu-time limit of \(duration(evidence.limits.cpuTimeUsec)).")
        }
        if let signal = evidence.cancelledBy {
            return signal == 2
                ? verdict(.cancelled, .interrupted, "It was interrupted by SIGINT.\(heldUp(evidence))")
                : verdict(.cancelled, .cancelled, "It was cancelled by \(signalName(signal)).\(heldUp(evidence))")
        }
        if let failure = evidence.setupFailure {
            return setupVerdict(failure, evidence.setupRemedy, oom?.evidence, evidence.limits)
        }
        if let reason = evidence.unreadable {
            return verdict(.lost, .supervisorLost, "How it ended is not known: \(reason).")
        }
        if exit == ExitStatus() {
            let doubt = evidence.jobReachesInit ? ", perhaps by the job itself: it has no PID namespace" : ""
            return verdict(.lost, .supervisorLost, "jobs-init ended without a report; it was killed\(doubt).")
        }
        // Its own end is what it made of being asked for it, and says nothing about the job.
        if evidence.endedFromOutside, exit.code != 0 {
            return verdict(
                .lost, .supervisorLost,
                "Somebody outside of jobs ended it, as systemd does when the machine goes down.")
        }
        let survived = oom.map { survival(evidence, $0.evidence) } ?? ""
        if let signal = exit.signal {
            return verdict(.failed, .signal, "It was ended by \(signalName(signal)).\(survived)")
        }
        let code = exit.code ?? 0
        return code == 0
            ? verdict(.completed, .success, "It exited with status 0.\(survived)")
            : verdict(.failed, .exitStatus, "It exited with status \(code).\(survived)")
    }

    private static func heldUp(_ evidence: Evidence) -> String {
        guard evidence.unreadable == nil, evidence.neverExecuted || !evidence.hasStarted else { return "" }
        let step = evidence.hasStarted ? "executing it" : "its set-up"
        return " Its command never started: \(step) was held up, as by a file system that does not answer."
    }

    private static func told(_ rest: Rest) -> String {
        func processes(_ count: Int) -> String { count == 1 ? "1 process was" : "\(count) processes were" }
        if rest.killed > 0 {
            return " \(processes(rest.killed)) still running and \(rest.killed == 1 ? "was" : "were") killed."
        }
        guard rest.terminated > 0 else { return "" }
        return " \(processes(rest.terminated)) still running and \(rest.terminated == 1 ? "was" : "were") ended."
    }

    /// Under `kill-process` only the main process's own end counts, and it counts as OOM only if that is what ended it.
    private static func endsAttempt(_ evidence: Evidence) -> Bool {
        if evidence.policy == .killJob { return true }
        let killed = evidence.exit == nil || evidence.exit?.signal == 9
        return killed && evidence.timeLimit == nil && evidence.cancelledBy == nil && isMainVictim(evidence) == true
    }

    /// Whether an OOM killer took the main process; `nil` if nothing proves it either way, as where the kernel log cannot be
    /// read or has held some of the kills back.
    private static func isMainVictim(_ evidence: Evidence) -> Bool? {
        // There never was another one.
        if evidence.usage.pidsPeak == 1 { return true }
        guard let main = evidence.mainPid else { return nil }
        let victims = Set(evidence.kernelLog.flatMap(\.victims).map(\.pid))
        if victims.contains(main) { return true }
        return victims.count >= evidence.oom.kills ? false : nil
    }

    /// What is told of OOM kills that did not end the attempt.
    private static func survival(_ evidence: Evidence, _ oom: OOMEvidence) -> String {
        let reason =
            switch oom.cause {
            case .ancestorLimit: "at the limit of \(oom.limitPath ?? "a cgroup above it")"
            case .system: "because the whole machine ran out of memory"
            default: "at its memory limit"
            }
        let taken = " The kernel's OOM killer took \(kills(evidence.oom.kills)) \(reason)"
        guard evidence.exit?.signal == 9, isMainVictim(evidence) == nil else {
            return taken + " and the main process lived on (oom: kill-process)."
        }
        return taken
            + " (oom: kill-process); whether that ended the main process is not known, because the kernel log does not name every victim."
    }

    // MARK: Out of memory

    private static func oom(_ evidence: Evidence) -> (cause: Cause, evidence: OOMEvidence) {
        // The log names the limit of each kill; the last one is what ended the job.
        if let last = evidence.kernelLog.last {
            var victims: [OOMVictim] = []
            for victim in evidence.kernelLog.flatMap(\.victims) where !victims.contains(where: { $0.pid == victim.pid })
            {
                victims.append(victim)
            }
            guard let path = last.limitPath else {
                return (.system, OOMEvidence(source: .kernelLog, cause: .system, victims: victims))
            }
            let isOwn = path.split(separator: "/").contains(evidence.cgroupName[...])
            let cause = isOwn ? Cause.ownLimit : .ancestorLimit
            let seen = directory(of: path, task: last.taskPath, evidence)
            return (cause, OOMEvidence(source: .kernelLog, cause: cause, victims: victims, limitPath: seen))
        }
        let counters = evidence.oom
        // v2 counts `oom` at the cgroup whose limit it was. v1 does not; that its limit was reached is the best hint there.
        let isOwn = counters.ownLimitEvents.map { $0 > 0 } ?? (counters.reachedLimit ?? false)
        if isOwn {
            return (.ownLimit, OOMEvidence(source: .counters, cause: .ownLimit, limitPath: evidence.memoryPath))
        }
        if let path = evidence.ancestorsReached.first {
            return (.ancestorLimit, OOMEvidence(source: .counters, cause: .ancestorLimit, limitPath: path))
        }
        return (.system, OOMEvidence(source: .counters, cause: .system))
    }

    /// The directory here of a cgroup that the kernel log names by its path from the root of the hierarchy, of which a
    /// container sees a part alone.
    ///
    /// - Parameter task: the log's path of a task of the job.
    private static func directory(of path: String, task: String, _ evidence: Evidence) -> String? {
        guard let own = evidence.memoryPath else { return nil }
        let (limit, task) = (path.split(separator: "/"), task.split(separator: "/"))
        if let place = limit.firstIndex(of: evidence.cgroupName[...]) {
            // The job may have made cgroups with limits of its own below.
            return ([own] + limit[(place + 1)...].map(String.init)).joined(separator: "/")
        }
        guard let place = task.firstIndex(of: evidence.cgroupName[...]), task[..<place].starts(with: limit) else {
            return nil
        }
        let above = own.split(separator: "/").dropLast(place + 1 - limit.count)
        let seen = "/" + above.joined(separator: "/")
        return seen == evidence.memoryMount || seen.hasPrefix(evidence.memoryMount + "/") ? seen : nil
    }

    private static func oomMessage(_ evidence: Evidence, _ oom: (cause: Cause, evidence: OOMEvidence)) -> String {
        var text = "The kernel killed "
        // Of the kill that the cause below belongs to.
        if let victim = evidence.kernelLog.last?.victims.first {
            text += "\(victim.process) (pid \(victim.pid)"
            if let anon = victim.anonRSSBytes { text += ", \(ByteCount(anon).human()) anonymous" }
            text += ")"
        } else {
            text += evidence.oom.kills == 1 ? "a process of it" : "processes of it"
        }
        if evidence.neverExecuted || evidence.setupFailure != nil {
            text += " before its command even started"
        }
        switch oom.cause {
        case .ancestorLimit:
            text += " because \(oom.evidence.limitPath ?? "a cgroup above it") reached its limit, not the job."
        case .system: text += " because the whole machine ran out of memory\(doubt(evidence, oom.evidence))."
        default:
            text +=
                oom.evidence.limitPath.flatMap { path in
                    path == evidence.memoryPath ? nil : " at the limit of a cgroup that it had made, \(path)."
                }
                ?? evidence.limits.memoryBytes.map {
                    " when it reached its own memory limit of \(ByteCount($0).human())."
                }
                ?? " at a memory limit of its own."
        }
        if let code = evidence.exit?.code, !evidence.neverExecuted {
            text += " The main process itself ended with status \(code)."
        }
        return text
    }

    /// v1 does not count for sure that a limit was reached (6.13 and later), so that it was none above is but likely.
    private static func doubt(_ evidence: Evidence, _ oom: OOMEvidence) -> String {
        guard oom.source == .counters, evidence.oom.ownLimitEvents == nil,
            let limit = evidence.limits.ancestorMemoryBytes
        else { return "" }
        return
            ", or what is above the job reached its limit of \(ByteCount(limit).human()); the kernel log does not tell"
    }

    // MARK: Words

    private static func setupVerdict(
        _ failure: SetupFailure, _ remedy: String?, _ oom: OOMEvidence?, _ limits: EffectiveLimits
    ) -> (Verdict, OOMEvidence?) {
        // The kernel refuses memory to an execve as well as to what is done before it, and calls it ENOMEM, or E2BIG where it
        // was for the arguments.
        let lacksMemory = failure.errno == ENOMEM || failure.errno == E2BIG && limits.memoryBytes ?? .max < 1 << 20
        guard failure.isCommand, !lacksMemory else {
            let errno = Errno(rawValue: failure.errno)
            var message = "It could not be set up: \(failure.step) \(failure.detail): \(errno)."
            if lacksMemory, let limit = limits.memoryBytes {
                message += " Its memory limit of \(ByteCount(limit).human()) leaves no room to start a process."
            } else if let remedy {
                message.removeLast()
                message += "; \(remedy)."
            }
            return (Verdict(state: .failed, cause: .setup, exit: ExitStatus(), message: message), oom)
        }
        let isMissing = failure.errno == 2
        let message =
            isMissing
            ? "Command not found: \(failure.detail)."
            : "\(failure.detail) cannot be executed: \(Errno(rawValue: failure.errno))."
        return (
            Verdict(
                state: .failed, cause: .notExecutable, exit: ExitStatus(code: isMissing ? 127 : 126), message: message),
            oom
        )
    }

    /// Why the time it took may be more than its limit.
    private static func suspension(_ evidence: Evidence) -> String {
        guard let time = evidence.usage.suspendedUsec, time > 0 else { return "" }
        return ", beside the \(duration(time)) that it was suspended"
    }

    private static func kills(_ count: Int) -> String { count == 1 ? "one process" : "\(count) processes" }

    private static func duration(_ usec: Int?) -> String {
        usec.map { JobDuration(microseconds: $0).description } ?? "?"
    }
}

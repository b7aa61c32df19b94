// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// The names of attempts' cgroups: unique while the machine is up, so that no figure of one can be another's.
package enum AttemptName {
    /// The name of a foreground run: its supervisor's pid, start time and PID namespace, so that the next `jobs` can tell
    /// whether the supervisor still lives.
    package static func run(sequence: Int) -> String {
        Run(
            pid: getpid(), startTicks: ProcessStat.startTicks(of: "self") ?? 0, namespace: namespace, sequence: sequence
        ).name
    }

    /// The name of an attempt of a queued job.
    package static func queued(job: Int, attempt: Int) -> String { "job-\(job).\(attempt)" }

    package static func isQueued(_ name: String) -> Bool { name.hasPrefix("job-") }

    /// Whether the supervisor of an attempt may be alive. It is dead only if nothing speaks for it: neither its lock on one of
    /// the directories (``SupervisorLock``) nor a process of its pid.
    ///
    /// Names of other kinds, and supervisors in other PID namespaces, are not ours to judge: where containers share a
    /// cgroup tree, a pid of one means nothing in another.
    ///
    /// - Parameter directories: those of the attempt.
    package static func isAlive(_ name: String, in directories: [String] = []) -> Bool {
        guard let run = Run(name), run.namespace == namespace else { return true }
        if directories.contains(where: SupervisorLock.isHeld) { return true }
        // Signal 0 asks the kernel itself: /proc may hide a process (hidepid) or be that of another namespace.
        if kill(run.pid, 0) != 0, errno == ESRCH { return false }
        guard hasOwnProc, let ticks = ProcessStat.startTicks(of: "\(run.pid)") else { return true }
        return ticks == run.startTicks
    }

    /// Whether /proc numbers processes as we do.
    private static let hasOwnProc = (try? Files.readLink("/proc/self")) == "\(getpid())"

    /// Whether a cgroup of that name is an attempt's.
    package static func isAttempt(_ name: String) -> Bool {
        if Run(name) != nil { return true }
        guard isQueued(name) else { return false }
        let numbers = name.dropFirst(4).split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        return numbers.count == 2 && !numbers.contains(nil)
    }

    /// The parts of a foreground run's name.
    private struct Run {
        var pid: pid_t
        var startTicks: Int
        var namespace: Int
        var sequence: Int

        var name: String { "run-\(pid)-\(startTicks)-\(namespace)" + (sequence == 0 ? "" : "-\(sequence)") }

        init(pid: pid_t, startTicks: Int, namespace: Int, sequence: Int) {
            (self.pid, self.startTicks, self.namespace, self.sequence) = (pid, startTicks, namespace, sequence)
        }

        /// Of exactly what ``name`` writes: a directory that only looks like it may be anybody's, with anything in its name.
        init?(_ name: String) {
            let parts = name.split(separator: "-").dropFirst().map { Int($0) }
            guard name.hasPrefix("run-"), (3...4).contains(parts.count),
                let pid = parts[0].flatMap({ pid_t(exactly: $0) }),
                pid > 0, let ticks = parts[1], let namespace = parts[2], let sequence = parts.count > 3 ? parts[3] : 0
            else { return nil }
            self.init(pid: pid, startTicks: ticks, namespace: namespace, sequence: sequence)
            guard self.name == name else { return nil }
        }
    }

    /// The inode of this process's PID namespace, as `pid:[4026531836]` tells it; see `namespaces(7)`.
    package static let namespace: Int = {
        let link = (try? Files.readLink("/proc/self/ns/pid")) ?? ""
        return Int(link.drop { $0 != "[" }.dropFirst().prefix { $0 != "]" }) ?? 0
    }()
}

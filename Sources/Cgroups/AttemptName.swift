// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// The names of attempts' cgroups: unique while the machine is up, so that no figure of one can be another's.
package enum AttemptName {
    /// The name of a foreground run: its supervisor's pid, start time and PID namespace, so that the next `jobs` can tell
    /// whether the supervisor still lives.
    package static func run(sequence: Int) -> String {
        // As /proc has it, which may be that of an outer namespace: it is what the name is compared with.
        let pid = (try? Files.readLink("/proc/self")) ?? "\(getpid())"
        return "run-\(pid)-\(ProcessStat.startTicks(of: "self") ?? 0)-\(namespace)"
            + (sequence == 0 ? "" : "-\(sequence)")
    }

    /// The name of an attempt of a queued job.
    package static func queued(job: Int, attempt: Int) -> String { "job-\(job).\(attempt)" }

    package static func isQueued(_ name: String) -> Bool { name.hasPrefix("job-") }

    /// Whether the supervisor that an attempt's name speaks of is alive.
    ///
    /// Names of other kinds, and supervisors in other PID namespaces, are not ours to judge: where containers share a
    /// cgroup tree, a pid of one means nothing in another.
    package static func isAlive(_ name: String) -> Bool {
        guard let supervisor = Supervisor(name), supervisor.namespace == namespace else { return true }
        return ProcessStat.startTicks(of: supervisor.pid) == supervisor.startTicks
    }

    /// Whether a cgroup of that name is an attempt's.
    package static func isAttempt(_ name: String) -> Bool {
        if Supervisor(name) != nil { return true }
        guard isQueued(name) else { return false }
        let numbers = name.dropFirst(4).split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        return numbers.count == 2 && !numbers.contains(nil)
    }

    private struct Supervisor {
        var pid: String
        var startTicks: Int
        var namespace: Int

        init?(_ name: String) {
            let parts = name.split(separator: "-")
            guard parts.count == 4 || parts.count == 5, parts[0] == "run", pid_t(parts[1]) != nil,
                let ticks = Int(parts[2]), let namespace = Int(parts[3])
            else { return nil }
            pid = String(parts[1])
            startTicks = ticks
            self.namespace = namespace
        }
    }

    /// The inode of this process's PID namespace, as `pid:[4026531836]` tells it; see `namespaces(7)`.
    package static let namespace: Int = {
        let link = (try? Files.readLink("/proc/self/ns/pid")) ?? ""
        return Int(link.drop { $0 != "[" }.dropFirst().prefix { $0 != "]" }) ?? 0
    }()
}

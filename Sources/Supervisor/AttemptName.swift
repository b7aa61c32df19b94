// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// The names of attempts' cgroups: unique while the machine is up, so that no figure of one can be another's.
package enum AttemptName {
    /// The name of a foreground run: our pid and start time, so that the next `jobs` can tell whether we still live, and
    /// the pid namespace in which they are true unless it is the machine's own.
    package static func run(sequence: Int) -> String {
        let name = "run-\(getpid())-\(ProcessStat.startTicks(of: "self") ?? 0)"
        if namespace != machineNamespace { return name + "-\(sequence)-\(namespace)" }
        return name + (sequence == 0 ? "" : "-\(sequence)")
    }

    /// The name of an attempt of a queued job.
    package static func queued(job: Int, attempt: Int) -> String { "job-\(job).\(attempt)" }

    package static func isQueued(_ name: String) -> Bool { name.hasPrefix("job-") }

    /// Whether the supervisor that an attempt's name speaks of is alive; names of other kinds are not ours to judge, and
    /// neither are those from another pid namespace, whose processes we do not see: two containers may share a cgroup.
    package static func isAlive(_ name: String) -> Bool {
        let parts = name.split(separator: "-")
        guard parts.count >= 3, parts[0] == "run", let pid = pid_t(parts[1]), let ticks = Int(parts[2]) else {
            return true
        }
        guard (parts.count > 4 ? Int(parts[4]) : machineNamespace) == namespace else { return true }
        return ProcessStat.startTicks(of: "\(pid)") == ticks
    }

    /// PROC_PID_INIT_INO of the kernel: the same on all machines.
    private static let machineNamespace = 4_026_531_836
    private static let namespace: Int = {
        // The link says `pid:[4026531836]`, and its target's inode is that number.
        var status = stat()
        return stat("/proc/self/ns/pid", &status) == 0 ? Int(status.st_ino) : machineNamespace
    }()
}

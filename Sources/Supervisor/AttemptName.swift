// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// The names of attempts' cgroups: unique while the machine is up, so that no figure of one can be another's.
package enum AttemptName {
    /// The name of a foreground run: our pid and start time, so that the next `jobs` can tell whether we still live.
    package static func run(sequence: Int) -> String {
        "run-\(getpid())-\(ProcessStat.startTicks(of: "self") ?? 0)" + (sequence == 0 ? "" : "-\(sequence)")
    }

    /// The name of an attempt of a queued job.
    package static func queued(job: Int, attempt: Int) -> String { "job-\(job).\(attempt)" }

    package static func isQueued(_ name: String) -> Bool { name.hasPrefix("job-") }

    /// Whether the supervisor that an attempt's name speaks of is alive; names of other kinds are not ours to judge.
    package static func isAlive(_ name: String) -> Bool {
        let parts = name.split(separator: "-")
        guard parts.count >= 3, parts[0] == "run", let pid = pid_t(parts[1]), let ticks = Int(parts[2]) else {
            return true
        }
        return ProcessStat.startTicks(of: "\(pid)") == ticks
    }
}

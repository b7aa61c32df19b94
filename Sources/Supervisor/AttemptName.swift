// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// The names of attempts' cgroups: unique while the machine is up, so that no figure of one can be another's.
package enum AttemptName {
    /// The name of a foreground run: our pid and start time, so that the next `jobs` can tell whether we still live.
    package static func run(sequence: Int) -> String {
        "run-\(getpid())-\(startTicks(of: getpid()) ?? 0)" + (sequence == 0 ? "" : "-\(sequence)")
    }

    /// Whether the supervisor that an attempt's name speaks of is alive; names of other kinds are not ours to judge.
    package static func isAlive(_ name: String) -> Bool {
        let parts = name.split(separator: "-")
        guard parts.count >= 3, parts[0] == "run", let pid = pid_t(parts[1]), let ticks = Int(parts[2]) else {
            return true
        }
        return startTicks(of: pid) == ticks
    }

    /// Field 22 of `/proc/PID/stat`: clock ticks since boot at which the process started.
    package static func startTicks(of pid: pid_t) -> Int? {
        guard let stat = try? Files.read("/proc/\(pid)/stat"), let close = stat.lastIndex(of: ")") else { return nil }
        // After the name, which may hold anything, field 3 is the first.
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        return fields.count > 19 ? Int(fields[19]) : nil
    }
}

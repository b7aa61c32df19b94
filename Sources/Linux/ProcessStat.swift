// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What `/proc/PID/stat` says of a process.
package enum ProcessStat {
    /// Field 22: clock ticks since boot at which the process started. With the pid it names a process for good.
    package static func startTicks(of pid: String) -> Int? { field(22, of: pid).flatMap { Int($0) } }

    /// Whether it is there and has not begun to end: PF_EXITING of field 9, which a zombie keeps.
    package static func isAlive(_ pid: pid_t) -> Bool {
        field(9, of: "\(pid)").flatMap { Int($0) }.map { $0 & 4 == 0 } ?? false
    }

    private static func field(_ number: Int, of pid: String) -> Substring? {
        guard let stat = try? Files.read("/proc/\(pid)/stat"), let close = stat.lastIndex(of: ")") else { return nil }
        // After the name, which may hold anything, field 3 is the first.
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        return fields.count > number - 3 ? fields[number - 3] : nil
    }

    /// Field 3: `D` for a process that waits in the kernel and hears no signal; `nil` if there is none of that pid.
    package static func state(of pid: Int32) -> Character? { field(3, of: "\(pid)")?.first }

    /// A process for people: `cp (pid 4711, state D)`.
    package static func description(of pid: Int32) -> String {
        "\(name(of: pid) ?? "?") (pid \(pid), state \(state(of: pid).map(String.init) ?? "?"))"
    }

    /// The name of a process's program, cut to 15 bytes by the kernel; `nil` if there is no such process.
    package static func name(of pid: Int32) -> String? {
        (try? Files.read("/proc/\(pid)/comm")).map { String($0.split(separator: "\n").first ?? "") }
    }
}

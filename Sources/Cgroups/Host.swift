// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// Facts about the machine that are not about any one cgroup.
package enum Host {
    package static var kernelRelease: String {
        // Not from /proc, of which `subset=pid` leaves only the processes.
        var names = utsname()
        guard uname(&names) == 0 else { return "unknown" }
        return withUnsafeBytes(of: &names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// How many processes and threads the machine can have; `nil` if it does not say.
    package static var mostPids: Int? {
        ["pid_max", "threads-max"].compactMap { name in
            (try? Files.read("/proc/sys/kernel/\(name)")).flatMap { Int($0.split(separator: "\n").first ?? "") }
        }.min()
    }

    /// Whether a device program can be loaded: CAP_BPF, or before Linux 5.8 CAP_SYS_ADMIN, which includes it still.
    package static var mayLoadBPF: Bool {
        Credentials.holds(Credentials.Number.sysAdmin) || Credentials.holds(Credentials.Number.bpf)
    }

    /// The board's own name where firmware gives one: `Raspberry Pi 4 Model B Rev 1.4`.
    package static var board: String? {
        guard let text = try? Files.read("/proc/device-tree/model") else { return nil }
        return String(text.prefix { $0 != "\0" && $0 != "\n" })
    }
}

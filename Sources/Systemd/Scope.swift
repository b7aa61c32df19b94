// SPDX-License-Identifier: Apache-2.0
import CSystemd
import Glibc
import Linux

/// A transient scope unit whose cgroup systemd leaves to us (`Delegate=yes`).
package enum Scope {
    /// Why there is no scope, in systemd's words.
    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    /// Whether systemd is the init system; see `sd_booted(3)`.
    package static var isSystemdRunning: Bool { Files.exists("/run/systemd/system") }

    /// Moves this process into a new scope, as `systemd-run --scope` does, and returns when it is there.
    ///
    /// Root asks the system manager, everybody else their own.
    package static func enter(name: String, description: String) throws(Failure) {
        // 0 is whoever asks. In a pid namespace our own number is that of another process to systemd.
        try start(name: name, description: description, pid: 0)
    }

    /// Moves a process into a new scope and returns when it is there.
    package static func start(name: String, description: String, pid: pid_t) throws(Failure) {
        var message = [CChar](repeating: 0, count: 512)
        let result = csystemd_start_scope(name, description, pid, geteuid() == 0 ? 0 : 1, &message, message.count)
        if result < 0 {
            throw Failure(
                description: String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
        }
    }
}

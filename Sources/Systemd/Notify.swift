// SPDX-License-Identifier: Apache-2.0
import CSystemd
import Glibc

/// What a service tells systemd about itself; nothing happens where nobody listens. See `sd_notify(3)`.
package enum Notify {
    /// It answers now (`Type=notify`).
    package static func ready() { send("READY=1") }
    /// It is about to end.
    package static func stopping() { send("STOPPING=1") }
    /// It is alive.
    package static func watchdog() { send("WATCHDOG=1") }
    /// A line for `systemctl status`.
    package static func status(_ text: String) { send("STATUS=\(text.replacing("\n", with: " "))") }

    /// Whether somebody listens.
    package static let isWanted = getenv("NOTIFY_SOCKET") != nil

    /// Microseconds within which ``watchdog()`` has to be called again; `nil` if nobody waits for it.
    package static var watchdogMicroseconds: Int? {
        let usec = getenv("WATCHDOG_USEC") == nil ? 0 : csystemd_watchdog_usec()
        return usec == 0 ? nil : Int(clamping: usec)
    }

    private static func send(_ state: String) {
        if isWanted { _ = csystemd_notify(state) }
    }
}

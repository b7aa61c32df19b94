// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The two halves of a `dev_t`; `makedev(3)` is a macro that Swift does not see.
package struct DeviceNumber: Hashable, Sendable, CustomStringConvertible {
    package var major: Int
    package var minor: Int

    package init(_ device: dev_t) {
        major = Int((device >> 8) & 0xfff | (device >> 32) & ~0xfff)
        minor = Int(device & 0xff | (device >> 12) & ~0xff)
    }

    /// From `MAJOR:MINOR`; `nil` for anything else, as a path.
    package init?(text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = Int(parts[0]), let minor = Int(parts[1]) else { return nil }
        (self.major, self.minor) = (major, minor)
    }

    package var description: String { "\(major):\(minor)" }
}

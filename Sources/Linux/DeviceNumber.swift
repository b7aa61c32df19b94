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

    package var description: String { "\(major):\(minor)" }
}

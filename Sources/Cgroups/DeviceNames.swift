// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobModel
import Linux
import SystemPackage

/// Devices that a job names by paths: `/dev/sda`, a mount point.
extension Limits {
    /// The paths that ``withDeviceNumbers()`` has to look up.
    package var devicePaths: [String] {
        let disks = io.map(\.device).filter { DeviceNumber(text: $0) == nil }
        let nodes = (devices ?? []).compactMap { rule -> String? in
            if case .path(let path) = rule.target { path } else { nil }
        }
        return disks + nodes
    }

    /// The same limits with numbers in place of the paths.
    ///
    /// Waits for as long as a file server does that holds one of them.
    package func withDeviceNumbers() throws(CgroupError) -> Limits {
        var limits = self
        for index in io.indices { limits.io[index].device = try IOController.number(of: io[index].device) }
        for (index, rule) in (devices ?? []).enumerated() {
            let device = try ResolvedDevice(rule)
            limits.devices?[index].target = .number(block: device.isBlock, major: device.major, minor: device.minor)
        }
        return limits
    }
}

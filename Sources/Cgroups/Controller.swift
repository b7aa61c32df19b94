// SPDX-License-Identifier: Apache-2.0

/// The resource controllers we use, named as on v2.
package enum Controller: String, Hashable, Sendable, CaseIterable {
    case memory, cpu, cpuset, pids, io, hugetlb
    // Only on v1: accounting of its own, device lists, and freezing are core functions of v2.
    case cpuacct, devices, freezer

    /// The v1 name where it differs.
    package var v1Name: String { self == .io ? "blkio" : rawValue }

    package init?(v1Name: String) {
        self.init(rawValue: v1Name == "blkio" ? "io" : v1Name)
    }

    /// What exists on v2 as a controller.
    package static let v2: [Controller] = [.memory, .cpu, .cpuset, .pids, .io, .hugetlb]
}

/// The two interfaces of the kernel.
package enum CgroupVersion: Int, Hashable, Sendable {
    case v1 = 1, v2
}

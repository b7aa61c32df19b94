// SPDX-License-Identifier: Apache-2.0

/// The cgroups that a process is in, from `/proc/PID/cgroup`; see `cgroups(7)`.
package enum CgroupMembership {
    /// Whether a directory of that name leads to one of the process's cgroups; `nil` if there is no such process.
    package static func contains(_ name: String, of pid: Int32) -> Bool? {
        (try? Files.read("/proc/\(pid)/cgroup"))?.split { $0 == "/" || $0 == "\n" }.contains(name[...])
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel

/// Device access on cgroup v1: deny everything, then allow what is listed.
enum DevicesV1 {
    static func apply(_ rules: [ResolvedDevice], to directory: CgroupDirectory) throws(CgroupError) {
        try directory.write("a", to: "devices.deny")
        for rule in rules { try directory.write(rule.line, to: "devices.allow") }
    }
}

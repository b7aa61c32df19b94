// SPDX-License-Identifier: Apache-2.0
import JobModel

/// How many processes and threads a job may have; the files are the same on both interfaces.
enum PidsController {
    static func apply(_ limit: Int, to directory: CgroupDirectory) throws(CgroupError) {
        try directory.write("\(limit)", to: "pids.max")
    }

    static func readBack(_ directory: CgroupDirectory, into limits: inout EffectiveLimits) {
        limits.pids = directory.readInt("pids.max")
    }

    static func usage(of directory: CgroupDirectory?, into reading: inout UsageReading) {
        let reason = directory == nil ? "the pids controller is not available here" : "no pids.peak (kernel 6.1)"
        reading.set("pids_peak", \.pidsPeak, directory?.readInt("pids.peak"), otherwise: reason)
        // 6.12 moved the hierarchical count to pids.events and the job's own refusals to .local; a job in one cgroup reads alike.
        let events = FlatKeyed(directory?.read("pids.events.local") ?? directory?.read("pids.events"))
        reading.set(
            "pids_limit_hits", \.pidsLimitHits, events["max"],
            otherwise: directory == nil ? "the pids controller is not available here" : "no pids.events")
    }
}

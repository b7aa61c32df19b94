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
        // 6.12 counts at the cgroup whose limit it was. Before, and on v1, a refusal is counted where the fork was, whatever
        // limit above refused it; a peak below the job's own limit says that it was not that one.
        let local = directory?.read("pids.events.local")
        var events = FlatKeyed(local ?? directory?.read("pids.events"))["max"]
        if local == nil, let refused = events, refused > 0,
            reading.usage.pidsPeak ?? .max < directory?.readInt("pids.max") ?? .max
        {
            reading.forksRefusedAbove = refused
            events = 0
        }
        reading.set(
            "pids_limit_hits", \.pidsLimitHits, events,
            otherwise: directory == nil ? "the pids controller is not available here" : "no pids.events")
    }
}

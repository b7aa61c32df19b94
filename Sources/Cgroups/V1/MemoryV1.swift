// SPDX-License-Identifier: Apache-2.0
import JobModel

/// Memory on cgroup v1; see Documentation/admin-guide/cgroup-v1/memory.rst.
package enum MemoryV1: MemoryController {
    /// What "no limit" reads as is the largest page-aligned 64-bit number, at least this one: pages have up to 64 KiB.
    private static let unlimited = Int.max - 0xffff

    package static func apply(_ limits: Limits, oom: OOMPolicy, to directory: CgroupDirectory) throws(CgroupError) {
        if let soft = limits.memorySoft { try directory.write("\(soft.bytes)", to: "memory.soft_limit_in_bytes") }
        guard let memory = limits.memory else { return }
        // A new cgroup has no limits, so memory first: memsw may never be below it.
        try directory.write("\(memory.bytes)", to: "memory.limit_in_bytes")
        if case .bytes(let swap) = limits.swap, directory.has("memory.memsw.limit_in_bytes") {
            try directory.write("\(memory.bytes + swap.bytes)", to: "memory.memsw.limit_in_bytes")
        }
    }

    package static func readBack(_ directory: CgroupDirectory, into limits: inout EffectiveLimits) {
        limits.memoryBytes = limit(of: directory)
        if let memory = limits.memoryBytes, let both = directory.readInt("memory.memsw.limit_in_bytes"),
            both < unlimited
        {
            limits.swapBytes = max(0, both - memory)
        }
        if let soft = directory.readInt("memory.soft_limit_in_bytes"), soft < unlimited {
            limits.memorySoftBytes = soft
        }
    }

    package static func limit(of directory: CgroupDirectory) -> Int? {
        directory.readInt("memory.limit_in_bytes").flatMap { $0 < unlimited ? $0 : nil }
    }

    package static func current(of directory: CgroupDirectory) -> Int? { directory.readInt("memory.usage_in_bytes") }

    package static func usage(
        of directory: CgroupDirectory, _ stat: FlatKeyed, into reading: inout UsageReading
    ) {
        let peak = peak(of: directory)
        reading.set("memory_peak_bytes", \.memoryPeakBytes, peak, otherwise: "no memory.max_usage_in_bytes")
        reading.set("swap_peak_bytes", \.swapPeakBytes, nil, otherwise: "cgroup v1 keeps no peak of swap alone")
        let kills = kills(in: directory)
        let counters = counters(of: directory, kills: kills, peak: peak)
        reading.oom = counters
        reading.set(
            "memory_oom_kills", \.memoryOOMKills, kills,
            otherwise: "no oom_kill in memory.oom_control (kernel 4.13)")
        reading.set(
            "memory_oom_events", \.memoryOOMEvents, nil, otherwise: "cgroup v1 does not count whose limit was the cause"
        )
        reading.set("memory_oom_group_kills", \.memoryOOMGroupKills, nil, otherwise: "cgroup v1 has no group kill")
        reading.set(
            "memory_limit_hits", \.memoryLimitHits, counters.limitHits,
            otherwise: counters.reachedLimit == true
                ? "the limit was reached, but this kernel's memory.memsw.failcnt does not count it (6.13 and later)"
                : "no memory.failcnt")
        reading.set("memory_high_hits", \.memoryHighHits, nil, otherwise: "cgroup v1 does not count its soft limit")
        reading.set(
            "major_faults", \.majorFaults, stat["total_pgmajfault"], otherwise: "no total_pgmajfault in memory.stat")
    }

    package static func split(of directory: CgroupDirectory, _ stat: FlatKeyed) -> MemorySplit {
        MemorySplit(
            anon: stat["total_rss"], file: stat["total_cache"].map { max(0, $0 - (stat["total_shmem"] ?? 0)) },
            shmem: stat["total_shmem"], kernel: directory.readInt("memory.kmem.max_usage_in_bytes"))
    }

    /// `oom_kill` is local on v1 (4.13), so those of sub-cgroups are added: a job may have made some.
    package static func oom(of directory: CgroupDirectory) -> OOMCounters {
        counters(of: directory, kills: kills(in: directory), peak: peak(of: directory))
    }

    private static func counters(of directory: CgroupDirectory, kills: Int?, peak: Int?) -> OOMCounters {
        var counters = OOMCounters(kills: kills ?? 0, limitHits: 0)
        // Either may rise alone: with memsw = memory the kernel stops at whichever it tries first. From 6.13 on memsw's
        // failures are not counted at all (page_counter's track_failcnt), so the peak has to tell.
        let failures = failures(of: directory)
        counters.limitHits = failures
        counters.reachedLimit = failures.map { $0 > 0 }
        if (failures ?? 0) == 0, isAtLimit(directory, peak: peak) {
            counters.limitHits = nil
            counters.reachedLimit = true
        }
        return counters
    }

    /// `nil` before 4.13, which does not count them.
    private static func kills(in directory: CgroupDirectory) -> Int? {
        guard var kills = FlatKeyed(directory.read("memory.oom_control"))["oom_kill"] else { return nil }
        guard directory.hasChildren else { return kills }
        for child in CgroupDirectory.children(of: directory.path) {
            if let child = try? CgroupDirectory(path: directory.path + "/" + child, version: .v1) {
                kills += self.kills(in: child) ?? 0
            }
        }
        return kills
    }

    /// Where failures are not counted, at least that the peak has come to the limit.
    package static func ancestorCounter(of directory: CgroupDirectory) -> Int? {
        guard let failures = failures(of: directory) else { return nil }
        return failures + (isAtLimit(directory, peak: peak(of: directory)) ? 1 : 0)
    }

    private static func peak(of directory: CgroupDirectory) -> Int? { directory.readInt("memory.max_usage_in_bytes") }

    private static func isAtLimit(_ directory: CgroupDirectory, peak: Int?) -> Bool {
        guard let peak, let limit = limit(of: directory) else { return false }
        return peak >= limit
    }

    /// How often memory or memory and swap together ran into a limit; memsw is there only with swap accounting.
    private static func failures(of directory: CgroupDirectory) -> Int? {
        let counts = ["memory.failcnt", "memory.memsw.failcnt"].compactMap { directory.readInt($0) }
        return counts.isEmpty ? nil : counts.reduce(0, +)
    }
}

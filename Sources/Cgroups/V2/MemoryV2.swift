// SPDX-License-Identifier: Apache-2.0
import JobModel

/// Memory on cgroup v2; see "Memory Interface Files" of Documentation/admin-guide/cgroup-v2.rst.
package enum MemoryV2: MemoryController {
    package static func apply(_ limits: Limits, oom: OOMPolicy, to directory: CgroupDirectory) throws(CgroupError) {
        // 4.19; without it the supervisor ends the attempt after the first kill.
        if oom == .killJob, directory.has("memory.oom.group") { try directory.write("1", to: "memory.oom.group") }
        switch limits.swap {
        case .unlimited: break
        case .bytes(let swap):
            // Absent without swap accounting; whether that is acceptable was decided before anything was made.
            if directory.has("memory.swap.max") { try directory.write("\(swap.bytes)", to: "memory.swap.max") }
        }
        if let soft = limits.memorySoft { try directory.write("\(soft.bytes)", to: "memory.high") }
        if let memory = limits.memory { try directory.write("\(memory.bytes)", to: "memory.max") }
    }

    package static func readBack(_ directory: CgroupDirectory, into limits: inout EffectiveLimits) {
        limits.memoryBytes = directory.readInt("memory.max")
        limits.swapBytes = directory.readInt("memory.swap.max")
        limits.memorySoftBytes = directory.readInt("memory.high")
    }

    package static func limit(of directory: CgroupDirectory) -> Int? { directory.readInt("memory.max") }

    package static func current(of directory: CgroupDirectory) -> Int? { directory.readInt("memory.current") }

    package static func usage(
        of directory: CgroupDirectory, _ stat: FlatKeyed, into reading: inout UsageReading
    ) {
        let events = FlatKeyed(directory.read("memory.events"))
        reading.oom = counters(events)
        reading.set(
            "memory_peak_bytes", \.memoryPeakBytes, directory.readInt("memory.peak"),
            otherwise: "no memory.peak (kernel 5.19)")
        reading.set(
            "swap_peak_bytes", \.swapPeakBytes, directory.readInt("memory.swap.peak"),
            otherwise: "no memory.swap.peak (kernel 6.5)")
        reading.set(
            "memory_oom_kills", \.memoryOOMKills, events["oom_kill"],
            otherwise: "no oom_kill in memory.events (kernel 4.13)")
        reading.set("memory_oom_events", \.memoryOOMEvents, events["oom"], otherwise: "no memory.events")
        reading.set(
            "memory_oom_group_kills", \.memoryOOMGroupKills, events["oom_group_kill"],
            otherwise: "no oom_group_kill in memory.events (kernel 5.17)")
        reading.set("memory_limit_hits", \.memoryLimitHits, events["max"], otherwise: "no memory.events")
        reading.set("memory_high_hits", \.memoryHighHits, events["high"], otherwise: "no memory.events")
        reading.set("major_faults", \.majorFaults, stat["pgmajfault"], otherwise: "no pgmajfault in memory.stat")
        let pressure = Pressure(directory.read("memory.pressure"))
        reading.set("memory_pressure_usec", \.memoryPressureUsec, pressure.someUsec, otherwise: noPSI)
        reading.set("memory_full_pressure_usec", \.memoryFullPressureUsec, pressure.fullUsec, otherwise: noPSI)
    }

    package static func split(of directory: CgroupDirectory, _ stat: FlatKeyed) -> MemorySplit {
        MemorySplit(
            anon: stat["anon"], file: stat["file"].map { max(0, $0 - (stat["shmem"] ?? 0)) }, shmem: stat["shmem"],
            // One line since 5.18; before that its parts.
            kernel: stat["kernel"] ?? stat["slab"].map { $0 + (stat["kernel_stack"] ?? 0) + (stat["pagetables"] ?? 0) })
    }

    package static func oom(of directory: CgroupDirectory) -> OOMCounters {
        counters(FlatKeyed(directory.read("memory.events")))
    }

    private static func counters(_ events: FlatKeyed) -> OOMCounters {
        OOMCounters(kills: events["oom_kill"] ?? 0, ownLimitEvents: events["oom"], groupKills: events["oom_group_kill"])
    }

    package static func ancestorCounter(of directory: CgroupDirectory) -> Int? {
        FlatKeyed(directory.read("memory.events.local"))["oom"]
    }
}

/// Why a pressure figure is missing.
let noPSI = "no pressure accounting: the kernel was built without PSI or booted without psi=1"

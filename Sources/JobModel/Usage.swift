// SPDX-License-Identifier: Apache-2.0

/// What an attempt used, read from its cgroup's own files after its last process was gone and before it was removed.
///
/// `nil` is "the kernel does not offer this figure"; the record then carries the reason. It is never 0 by default.
public struct Usage: Hashable, Sendable {
    public var wallTimeUsec: Int?
    public var suspendedUsec: Int?
    public var cpuUsageUsec: Int?
    public var cpuUserUsec: Int?
    public var cpuSystemUsec: Int?
    public var cpuPeriods: Int?
    public var cpuThrottledPeriods: Int?
    public var cpuThrottledUsec: Int?
    public var memoryPeakBytes: Int?
    public var memoryAnonBytes: Int?
    public var memoryFileBytes: Int?
    public var memoryShmemBytes: Int?
    public var memoryKernelBytes: Int?
    public var swapPeakBytes: Int?
    public var rssMaxBytes: Int?
    public var memoryOOMKills: Int?
    public var memoryOOMEvents: Int?
    public var memoryOOMGroupKills: Int?
    public var memoryLimitHits: Int?
    public var memoryHighHits: Int?
    public var pidsPeak: Int?
    public var pidsLimitHits: Int?
    public var ioReadBytes: Int?
    public var ioWriteBytes: Int?
    public var ioReadOperations: Int?
    public var ioWriteOperations: Int?
    public var majorFaults: Int?
    public var voluntarySwitches: Int?
    public var involuntarySwitches: Int?
    public var cpuPressureUsec: Int?
    public var memoryPressureUsec: Int?
    public var memoryFullPressureUsec: Int?
    public var ioPressureUsec: Int?
    public var ioFullPressureUsec: Int?

    public init() {}

    /// One row of the record: its key, where it lives, its unit and the file or call it is read from.
    public struct Figure: Sendable {
        public var key: String
        public var path: any WritableKeyPath<Usage, Int?> & Sendable
        public var unit: String
        public var source: String
        public var meaning: String
    }

    /// Every figure, in the order of the record. JSON, summary and documentation are made from this one list.
    public static let figures: [Figure] = [
        figure(
            "wall_time_usec", \.wallTimeUsec, "µs", "CLOCK_MONOTONIC",
            "from the command's start to its end, set-up excluded"),
        figure(
            "suspended_usec", \.suspendedUsec, "µs", "CLOCK_MONOTONIC",
            "of it suspended, which the wall-time limit does not count"),
        figure(
            "cpu_usage_usec", \.cpuUsageUsec, "µs", "v2 cpu.stat usage_usec; v1 cpuacct.usage",
            "CPU time of all processes"),
        figure(
            "cpu_user_usec", \.cpuUserUsec, "µs", "v2 cpu.stat user_usec; v1 cpuacct.usage_user", "of it in user mode"),
        figure(
            "cpu_system_usec", \.cpuSystemUsec, "µs", "v2 cpu.stat system_usec; v1 cpuacct.usage_sys",
            "of it in the kernel"),
        figure(
            "cpu_periods", \.cpuPeriods, "count", "cpu.stat nr_periods", "quota periods in which the job wanted CPU"),
        figure(
            "cpu_throttled_periods", \.cpuThrottledPeriods, "count", "cpu.stat nr_throttled",
            "of them in which it ran into its quota"),
        figure(
            "cpu_throttled_usec", \.cpuThrottledUsec, "µs", "v2 cpu.stat throttled_usec; v1 cpu.stat throttled_time",
            "time its CPUs stood throttled, summed over CPUs"),
        figure(
            "memory_peak_bytes", \.memoryPeakBytes, "bytes", "v2 memory.peak (5.19); v1 memory.max_usage_in_bytes",
            "most that was charged at once: anonymous memory, page cache, tmpfs and kernel memory"),
        figure(
            "memory_anon_bytes", \.memoryAnonBytes, "bytes", "v2 memory.stat anon; v1 memory.stat total_rss",
            "most anonymous memory seen, see `sampled`; null if it was not looked at while the job ran"),
        figure(
            "memory_file_bytes", \.memoryFileBytes, "bytes",
            "v2 memory.stat file - shmem; v1 total_cache - total_shmem",
            "most page cache seen, see `sampled`; null if it was not looked at while the job ran and none was left"),
        figure(
            "memory_shmem_bytes", \.memoryShmemBytes, "bytes", "v2 memory.stat shmem; v1 total_shmem",
            "most tmpfs and shared memory seen, see `sampled`; null if it was not looked at while the job ran and none was left"
        ),
        figure(
            "memory_kernel_bytes", \.memoryKernelBytes, "bytes",
            "v2 memory.stat kernel (5.18); v1 memory.kmem.max_usage_in_bytes",
            "most kernel memory; v2: most seen, see `sampled`, null if it was not looked at while the job ran"),
        figure("swap_peak_bytes", \.swapPeakBytes, "bytes", "v2 memory.swap.peak (6.5)", "most swap used at once"),
        figure(
            "rss_max_bytes", \.rssMaxBytes, "bytes", "getrusage(RUSAGE_CHILDREN) ru_maxrss of jobs-init",
            "largest resident set of any one process; null where processes that nobody waited for used CPU time that matters"
        ),
        figure(
            "memory_oom_kills", \.memoryOOMKills, "count", "v2 memory.events oom_kill; v1 memory.oom_control oom_kill",
            "kill actions of any OOM killer; a group kill counts one more than its processes"),
        figure(
            "memory_oom_events", \.memoryOOMEvents, "count", "v2 memory.events oom",
            "times the job's own limit was the cause"),
        figure(
            "memory_oom_group_kills", \.memoryOOMGroupKills, "count", "v2 memory.events oom_group_kill (5.17)",
            "times the whole job was killed at once"),
        figure(
            "memory_limit_hits", \.memoryLimitHits, "count",
            "v2 memory.events max; v1 memory.failcnt + memory.memsw.failcnt",
            "times the limit was reached and memory reclaimed; no sign of an OOM by itself"),
        figure(
            "memory_high_hits", \.memoryHighHits, "count", "v2 memory.events high",
            "times the soft limit throttled the job"),
        figure("pids_peak", \.pidsPeak, "count", "pids.peak (v2 6.1)", "most processes and threads at once"),
        figure("pids_limit_hits", \.pidsLimitHits, "count", "pids.events max", "forks refused by the pids limit"),
        figure(
            "io_read_bytes", \.ioReadBytes, "bytes", "v2 io.stat rbytes; v1 blkio.throttle.io_service_bytes",
            "read from block devices; traffic that a device passes to those below it (loop, LVM, RAID) counts once, and memory (zram, ram) is no device"
        ),
        figure(
            "io_write_bytes", \.ioWriteBytes, "bytes", "v2 io.stat wbytes; v1 blkio.throttle.io_service_bytes",
            "written to block devices so far, counted as for reads; write-back may come later"),
        figure(
            "io_read_operations", \.ioReadOperations, "count", "v2 io.stat rios; v1 blkio.throttle.io_serviced",
            "read requests"),
        figure(
            "io_write_operations", \.ioWriteOperations, "count", "v2 io.stat wios; v1 blkio.throttle.io_serviced",
            "write requests"),
        figure(
            "major_faults", \.majorFaults, "count", "memory.stat pgmajfault", "page faults that had to read from a disk"
        ),
        figure(
            "voluntary_switches", \.voluntarySwitches, "count", "getrusage(RUSAGE_CHILDREN) ru_nvcsw",
            "context switches of processes that waited"),
        figure(
            "involuntary_switches", \.involuntarySwitches, "count", "getrusage(RUSAGE_CHILDREN) ru_nivcsw",
            "context switches of processes that were preempted"),
        figure(
            "cpu_pressure_usec", \.cpuPressureUsec, "µs", "cpu.pressure some total", "time some task waited for a CPU"),
        figure(
            "memory_pressure_usec", \.memoryPressureUsec, "µs", "memory.pressure some total",
            "time some task waited for memory"),
        figure(
            "memory_full_pressure_usec", \.memoryFullPressureUsec, "µs", "memory.pressure full total",
            "time all tasks waited for memory"),
        figure("io_pressure_usec", \.ioPressureUsec, "µs", "io.pressure some total", "time some task waited for io"),
        figure(
            "io_full_pressure_usec", \.ioFullPressureUsec, "µs", "io.pressure full total",
            "time all tasks waited for io"),
    ]

    private static func figure(
        _ key: String, _ path: any WritableKeyPath<Usage, Int?> & Sendable, _ unit: String, _ source: String,
        _ meaning: String
    ) -> Figure {
        Figure(key: key, path: path, unit: unit, source: source, meaning: meaning)
    }
}

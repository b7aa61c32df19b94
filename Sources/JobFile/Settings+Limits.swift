// SPDX-License-Identifier: Apache-2.0

internal import JobModel

extension Settings {
    /// What the kernel or the supervisor enforces.
    static let limits: [Setting] = [
        Setting(
            "limits.memory", .memory(), into: { $1.limits.memory = $0 }, from: { $0.limits.memory },
            example: "100M",
            synonyms: ["mem", "memory-max", "memory-limit", "ram"],
            "Most memory the whole job may have charged: anonymous memory, page cache, tmpfs and kernel memory."),
        Setting(
            "limits.swap", .swap, into: { $1.limits.swap = $0 }, from: { $0.limits.swap }, example: "50M",
            standard: "0",
            synonyms: ["memory-swap", "swap-max"],
            "Most swap it may use beyond `memory`. With swap, a memory limit limits less than it says."),
        Setting(
            "limits.memory-soft", .memory(), into: { $1.limits.memorySoft = $0 }, from: { $0.limits.memorySoft },
            example: "80M",
            synonyms: ["memory-high", "memory-reservation", "soft-memory"],
            "Above this the kernel slows the job down and reclaims from it, but never kills; on cgroup v1 only while the whole machine is short of memory."
        ),
        Setting(
            "limits.cpus", .cpus, into: { $1.limits.cpus = $0 }, from: { $0.limits.cpus }, example: "1.5",
            synonyms: ["cpu", "cpu-quota", "cores"],
            "CPU time per wall time, as a number of CPUs."),
        Setting(
            "limits.cpu-weight", .integer(1...10000, example: 100), into: { $1.limits.cpuWeight = $0 },
            from: { $0.limits.cpuWeight }, example: "50",
            synonyms: ["cpu-shares", "nice", "weight"],
            "Share of the CPUs when jobs compete. The kernel's default is 100."),
        Setting(
            "limits.cpuset", .idSet, into: { $1.limits.cpuset = $0 }, from: { $0.limits.cpuset }, example: "0-1",
            synonyms: ["cpu-set", "cpuset-cpus", "affinity"],
            "CPUs it may run on."),
        Setting(
            "limits.pids", .integer(1...4_194_304, example: 64), into: { $1.limits.pids = $0 },
            from: { $0.limits.pids },
            example: "64",
            synonyms: ["processes", "nproc", "tasks", "threads", "pids-limit", "tasks-max"],
            "Most processes and threads at once."),
        Setting(
            "limits.wall-time", .positiveDuration, into: { $1.limits.wallTime = $0 }, from: { $0.limits.wallTime },
            example: "1h30m",
            synonyms: ["timeout", "time", "time-limit", "runtime", "max-time", "walltime"],
            "Longest time from the command's start."),
        Setting(
            "limits.cpu-time", .positiveDuration, into: { $1.limits.cpuTime = $0 }, from: { $0.limits.cpuTime },
            example: "10m",
            synonyms: ["cputime"],
            "Most CPU time of all its processes together."),
        Setting(
            "limits.grace", .duration, into: { $1.limits.grace = $0 }, from: { $0.limits.grace }, example: "10s",
            standard: "5s",
            synonyms: ["kill-after", "grace-period", "stop-timeout"],
            "Time between SIGTERM and SIGKILL, for all of its processes, when a time limit or a cancellation ends it."),
        Setting(
            "limits.linger", .duration, into: { $1.limits.linger = $0 }, from: { $0.limits.linger }, example: "10s",
            standard: "2s",
            synonyms: ["drain", "wait-for-children"],
            "Time that the processes which the main one leaves behind have to finish by themselves; then SIGTERM, and SIGKILL after `grace`."
        ),
        Setting(
            "limits.nofile", .resourceCount, into: { $1.limits.rlimits[.nofile] = $0 },
            from: { $0.limits.rlimits[.nofile] }, example: "1024",
            synonyms: ["open-files", "ulimit-n", "files"],
            "Highest number of open files per process."),
        Setting(
            "limits.core", .resourceSize, into: { $1.limits.rlimits[.core] = $0 }, from: { $0.limits.rlimits[.core] },
            example: "0",
            synonyms: ["core-size"],
            "Largest core dump."),
        Setting(
            "limits.stack", .resourceSize, into: { $1.limits.rlimits[.stack] = $0 },
            from: { $0.limits.rlimits[.stack] }, example: "8M",
            synonyms: ["stack-size"],
            "Largest stack per process."),
        Setting(
            "limits.fsize", .resourceSize, into: { $1.limits.rlimits[.fsize] = $0 },
            from: { $0.limits.rlimits[.fsize] }, example: "1G",
            synonyms: ["file-size", "filesize"],
            "Largest file a process may write."),
        Setting(
            "limits.output", .positiveSize(orElse: "64M"), into: { $1.limits.output = $0 }, from: { $0.limits.output },
            flag: "output-limit", example: "1M",
            standard: "64M", synonyms: ["log-size", "max-output"],
            "Most of each of stdout and stderr that is kept of a queued job: head and tail stay, the middle is dropped."
        ),
        Setting(
            "limits.io", .deviceThroughput, from: { $0.limits.io }, example: "{/dev/sda: {read: 10M, write-iops: 100}}",
            synonyms: ["blkio", "disk", "io-max"],
            "Throughput per block device: `read` and `write` in bytes per second, `read-iops` and `write-iops` in requests. "
                + "A device is a node, a mount point or `MAJOR:MINOR`.",
            set: { given, spec in
                // Of the same device a later one says what it says and leaves the rest.
                for limit in given {
                    let earlier = spec.limits.io.first { $0.device == limit.device }
                    spec.limits.io.removeAll { $0.device == limit.device }
                    spec.limits.io.append(limit.over(earlier))
                }
            }),
        Setting(
            "limits.hugepages", .hugepages, from: { $0.limits.hugepages }, example: "{2M: 64M}", synonyms: ["hugetlb"],
            "Most memory in huge pages, by page size.",
            set: { given, spec in spec.limits.hugepages.merge(given) { $1 } }),
        Setting(
            "limits.devices", .devices, into: { $1.limits.devices = $0 }, from: { $0.limits.devices },
            example: "[standard, /dev/fuse rw, c 10:200 rwm]",
            synonyms: ["device", "device-allow"],
            "The only devices it may open, with `r`, `w` and `m` (mknod); `rw` if left out. `standard` is null, zero, full, "
                + "random, urandom and terminals; `none` or `[]` is no device at all. Left out, file permissions alone decide."
        ),
    ]
}

// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

@testable import Cgroups

@Suite struct MemoryV1Tests {
    private static let complete = [
        "memory.limit_in_bytes": "33554432\n", "memory.memsw.limit_in_bytes": "41943040\n",
        "memory.soft_limit_in_bytes": "9223372036854771712\n", "memory.max_usage_in_bytes": "33554432\n",
        "memory.failcnt": "105\n", "memory.memsw.failcnt": "3\n", "memory.stat": KernelTexts.memoryStatV1,
        "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
        "memory.kmem.max_usage_in_bytes": "1290240\n",
    ]

    @Test func `limits are read back, swap as what memsw adds`() throws {
        var limits = EffectiveLimits()
        MemoryV1.readBack(try FakeCgroup(Self.complete).directory(.v1), into: &limits)
        #expect(limits.memoryBytes == 33_554_432)
        #expect(limits.swapBytes == 8_388_608)
        #expect(limits.memorySoftBytes == nil)
    }

    /// The largest page-aligned number: pages are 4, 16 (Raspberry Pi 5) or 64 KiB (RHEL on arm64).
    @Test(arguments: ["9223372036854771712", "9223372036854759424", "9223372036854710272"])
    func `no limit reads as a number and is none`(_ unlimited: String) throws {
        let cgroup = try FakeCgroup([
            "memory.limit_in_bytes": unlimited + "\n", "memory.memsw.limit_in_bytes": unlimited + "\n",
            "memory.soft_limit_in_bytes": unlimited + "\n",
        ])
        let directory = try cgroup.directory(.v1)
        var limits = EffectiveLimits()
        MemoryV1.readBack(directory, into: &limits)
        #expect(limits == EffectiveLimits())
        #expect(MemoryV1.limit(of: directory) == nil)
    }

    @Test func `a limit on memory alone is no limit on swap`() throws {
        var limits = EffectiveLimits()
        let files = ["memory.limit_in_bytes": "4096\n", "memory.memsw.limit_in_bytes": "9223372036854771712\n"]
        MemoryV1.readBack(try FakeCgroup(files).directory(.v1), into: &limits)
        #expect(limits.memoryBytes == 4096 && limits.swapBytes == nil)
        limits = EffectiveLimits()
        MemoryV1.readBack(try FakeCgroup(["memory.limit_in_bytes": "4096\n"]).directory(.v1), into: &limits)
        #expect(limits.memoryBytes == 4096 && limits.swapBytes == nil, "no swap accounting")
    }

    @Test func `limits are written, memsw as the sum`() throws {
        let cgroup = try FakeCgroup([
            "memory.limit_in_bytes": "", "memory.memsw.limit_in_bytes": "", "memory.soft_limit_in_bytes": "",
        ])
        var limits = Limits()
        (limits.memory, limits.memorySoft, limits.swap) = (ByteCount(8192), ByteCount(4096), .bytes(ByteCount(4096)))
        try MemoryV1.apply(limits, oom: .killJob, to: cgroup.directory(.v1))
        #expect(cgroup.text(of: "memory.limit_in_bytes") == "8192")
        #expect(cgroup.text(of: "memory.memsw.limit_in_bytes") == "12288")
        #expect(cgroup.text(of: "memory.soft_limit_in_bytes") == "4096")
    }

    @Test func `every figure that v1 has`() throws {
        let reading = try FakeCgroup(Self.complete).memoryUsage(.v1)
        #expect(reading.usage.memoryPeakBytes == 33_554_432)
        #expect(reading.usage.memoryOOMKills == 2)
        #expect(reading.usage.memoryLimitHits == 108)
        #expect(reading.usage.majorFaults == 13, "with sub-cgroups")
        #expect(
            Set(reading.unavailable.keys)
                == ["swap_peak_bytes", "memory_oom_events", "memory_oom_group_kills", "memory_high_hits"])
        #expect(reading.usage.swapPeakBytes == nil && reading.usage.memoryOOMEvents == nil)
    }

    @Test func `nothing readable is nothing known, each with its reason`() throws {
        let reading = try FakeCgroup().memoryUsage(.v1)
        #expect(reading.usage == Usage())
        #expect(reading.unavailable.count == 8)
        for (key, reason) in reading.unavailable { #expect(!reason.isEmpty, "\(key)") }
    }

    @Test func `a kernel before 4.13 counts no kills, which is not none`() throws {
        let old = try FakeCgroup(["memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n", "memory.failcnt": "1\n"])
        let reading = try old.memoryUsage(.v1)
        #expect(reading.usage.memoryOOMKills == nil)
        #expect(reading.unavailable["memory_oom_kills"]?.contains("4.13") == true)
        #expect(reading.usage.memoryLimitHits == 1)
    }

    @Test func `kills in sub-cgroups that the job made are its own`() throws {
        let tree = try FakeCgroup(Self.complete)
        try tree.add([
            "a/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
            "a/b/memory.oom_control": "oom_kill 10\n", "c/memory.oom_control": "", "d/other": "",
        ])
        #expect(MemoryV1.oom(of: try tree.directory(.v1)).kills == 15)
    }

    @Test func `v1 does not say whose limit it was, only that it was reached`() throws {
        let counters = MemoryV1.oom(of: try FakeCgroup(Self.complete).directory(.v1))
        #expect(counters.ownLimitEvents == nil && counters.groupKills == nil)
        #expect(counters.limitHits == 108 && counters.reachedLimit == true)
        let alone = try FakeCgroup(["memory.memsw.failcnt": "3\n"])
        #expect(MemoryV1.oom(of: try alone.directory(.v1)).limitHits == 3)
    }

    /// Since 6.13 nobody counts the failures of memsw, where a limit with memsw = memory is hit.
    @Test func `a peak at the limit tells what an uncounted failure does not`() throws {
        var files = Self.complete
        (files["memory.failcnt"], files["memory.memsw.failcnt"]) = ("0\n", "0\n")
        let reached = try FakeCgroup(files).directory(.v1)
        #expect(MemoryV1.oom(of: reached).reachedLimit == true)
        #expect(MemoryV1.oom(of: reached).limitHits == nil, "it was reached: 0 would be wrong")
        var reading = UsageReading()
        MemoryV1.usage(of: reached, reached.memoryStat, into: &reading)
        #expect(reading.usage.memoryLimitHits == nil)
        #expect(reading.unavailable["memory_limit_hits"]?.contains("6.13") == true)
        files["memory.max_usage_in_bytes"] = "33550336\n"
        let below = MemoryV1.oom(of: try FakeCgroup(files).directory(.v1))
        #expect(below.reachedLimit == false && below.limitHits == 0)
    }

    @Test func `an ancestor without counters is unknown`() throws {
        // 108 failures, and a peak that came to the limit, which counts where failures do not.
        #expect(MemoryV1.ancestorCounter(of: try FakeCgroup(Self.complete).directory(.v1)) == 109)
        let below = ["memory.failcnt": "0\n", "memory.max_usage_in_bytes": "4096\n", "memory.limit_in_bytes": "8192\n"]
        #expect(MemoryV1.ancestorCounter(of: try FakeCgroup(below).directory(.v1)) == 0)
        #expect(MemoryV1.ancestorCounter(of: try FakeCgroup(["memory.failcnt": "0\n"]).directory(.v1)) == 0)
        #expect(MemoryV1.ancestorCounter(of: try FakeCgroup().directory(.v1)) == nil)
    }

    @Test func `memory is split with what is below, tmpfs counted once`() throws {
        let split = try FakeCgroup(Self.complete).memorySplit(.v1)
        #expect(split == MemorySplit(anon: 1_843_200, file: 2_555_904, shmem: 36_864, kernel: 1_290_240))
        #expect(try FakeCgroup().memorySplit(.v1) == MemorySplit())
    }

    @Test func `more shmem than cache, as torn counters may say, is no negative cache`() throws {
        let text = "total_cache 4096\ntotal_shmem 8192\n"
        #expect(try FakeCgroup(["memory.stat": text]).memorySplit(.v1).file == 0)
    }
}

@Suite struct MemorySplitTests {
    @Test func `a union is the larger of each part`() {
        var split = MemorySplit(anon: 5, file: 100, shmem: nil, kernel: nil)
        split.formUnion(MemorySplit(anon: 9, file: 3, shmem: 7, kernel: nil))
        #expect(split == MemorySplit(anon: 9, file: 100, shmem: 7, kernel: nil))
    }

    @Test func `unknown adds nothing and takes nothing away`() {
        var split = MemorySplit(anon: 5, file: 0)
        split.formUnion(MemorySplit())
        #expect(split == MemorySplit(anon: 5, file: 0))
        var empty = MemorySplit()
        empty.formUnion(MemorySplit(kernel: 0))
        #expect(empty == MemorySplit(kernel: 0))
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

@testable import Cgroups

@Suite struct MemoryV2Tests {
    private static let complete = [
        "memory.max": "104857600\n", "memory.high": "max\n", "memory.swap.max": "0\n", "memory.peak": "104857600\n",
        "memory.swap.peak": "0\n", "memory.events": KernelTexts.memoryEvents7, "memory.stat": KernelTexts.memoryStat7,
        "memory.events.local": "low 0\nhigh 0\nmax 1\noom 4\noom_kill 0\noom_group_kill 0\n",
        "memory.pressure": KernelTexts.pressure,
    ]

    private func usage(_ files: [String: String]) throws -> UsageReading {
        try FakeCgroup(files).memoryUsage(.v2)
    }

    @Test func `limits are read back as the kernel holds them`() throws {
        var limits = EffectiveLimits()
        MemoryV2.readBack(try FakeCgroup(Self.complete).directory(.v2), into: &limits)
        #expect(limits.memoryBytes == 104_857_600)
        #expect(limits.swapBytes == 0)
        #expect(limits.memorySoftBytes == nil, "max is no limit")
    }

    @Test func `files that are absent or say max are no limit`() throws {
        var limits = EffectiveLimits()
        MemoryV2.readBack(try FakeCgroup(["memory.max": "max\n"]).directory(.v2), into: &limits)
        #expect(limits == EffectiveLimits())
        #expect(MemoryV2.limit(of: try FakeCgroup().directory(.v2)) == nil)
    }

    @Test func `limits are written, swap 0 unless asked for`() throws {
        let cgroup = try FakeCgroup([
            "memory.max": "", "memory.swap.max": "", "memory.high": "", "memory.oom.group": "",
        ])
        var limits = Limits()
        (limits.memory, limits.memorySoft) = (ByteCount(4096), ByteCount(2048))
        try MemoryV2.apply(limits, oom: .killJob, to: cgroup.directory(.v2))
        #expect(cgroup.text(of: "memory.max") == "4096" && cgroup.text(of: "memory.high") == "2048")
        #expect(cgroup.text(of: "memory.swap.max") == "0")
        #expect(cgroup.text(of: "memory.oom.group") == "1")
    }

    @Test func `swap without a limit and kill-process leave the kernel's defaults`() throws {
        let cgroup = try FakeCgroup(["memory.max": "", "memory.swap.max": "", "memory.oom.group": ""])
        var limits = Limits()
        limits.swap = .unlimited
        try MemoryV2.apply(limits, oom: .killProcess, to: cgroup.directory(.v2))
        for name in ["memory.max", "memory.swap.max", "memory.oom.group"] { #expect(cgroup.text(of: name) == "") }
    }

    @Test func `a kernel without group kill and swap accounting is no error here`() throws {
        let cgroup = try FakeCgroup(["memory.max": ""])
        var limits = Limits()
        limits.memory = ByteCount(4096)
        try MemoryV2.apply(limits, oom: .killJob, to: cgroup.directory(.v2))
        #expect(cgroup.text(of: "memory.max") == "4096")
    }

    @Test func `every figure of a new kernel`() throws {
        let reading = try usage(Self.complete)
        #expect(reading.unavailable.isEmpty)
        let usage = reading.usage
        #expect(usage.memoryPeakBytes == 104_857_600 && usage.swapPeakBytes == 0)
        #expect(usage.memoryOOMKills == 5 && usage.memoryOOMEvents == 2 && usage.memoryOOMGroupKills == 1)
        #expect(usage.memoryLimitHits == 274 && usage.memoryHighHits == 3)
        #expect(usage.majorFaults == 7)
        #expect(usage.memoryPressureUsec == 2_684_354 && usage.memoryFullPressureUsec == 1_048_577)
    }

    @Test func `kernel 5.10 lacks peaks and the group kill, and says since when they exist`() throws {
        let reading = try usage([
            "memory.events": KernelTexts.memoryEvents510, "memory.stat": KernelTexts.memoryStat510,
        ])
        #expect(reading.usage.memoryOOMKills == 1 && reading.usage.majorFaults == 33)
        #expect(reading.usage.memoryPeakBytes == nil && reading.usage.swapPeakBytes == nil)
        #expect(reading.usage.memoryOOMGroupKills == nil)
        #expect(reading.unavailable["memory_peak_bytes"]?.contains("5.19") == true)
        #expect(reading.unavailable["swap_peak_bytes"]?.contains("6.5") == true)
        #expect(reading.unavailable["memory_oom_group_kills"]?.contains("5.17") == true)
        #expect(reading.unavailable["memory_pressure_usec"]?.contains("psi=1") == true)
        #expect(reading.unavailable["memory_oom_kills"] == nil)
    }

    @Test(arguments: [
        [:], ["memory.events": "", "memory.stat": "garbage", "memory.peak": "max\n", "memory.pressure": "x"],
    ])
    func `nothing readable is nothing known, each with its reason`(_ files: [String: String]) throws {
        let reading = try usage(files)
        #expect(reading.usage == Usage())
        #expect(reading.unavailable.count == 10)
        #expect(reading.unavailable.values.allSatisfy { !$0.isEmpty })
    }

    @Test func `memory is split, tmpfs counted once`() throws {
        let split = try FakeCgroup(["memory.stat": KernelTexts.memoryStat61]).memorySplit(.v2)
        #expect(split == MemorySplit(anon: 31_457_280, file: 7_143_424, shmem: 1_048_576, kernel: 1_204_224))
    }

    @Test func `before 5.18 kernel memory is added up from its parts`() throws {
        let split = try FakeCgroup(["memory.stat": KernelTexts.memoryStat510]).memorySplit(.v2)
        #expect(split.kernel == 499_512 + 147_456)
        let with511 = KernelTexts.memoryStat510 + "pagetables 4096\n"
        #expect(
            try FakeCgroup(["memory.stat": with511]).memorySplit(.v2).kernel == 499_512 + 147_456
                + 4096)
    }

    @Test func `no memory.stat is no split`() throws {
        #expect(try FakeCgroup().memorySplit(.v2) == MemorySplit())
    }

    @Test func `counters tell any kill from our own limit's`() throws {
        let own = MemoryV2.oom(of: try FakeCgroup(["memory.events": KernelTexts.memoryEvents7]).directory(.v2))
        #expect(own == OOMCounters(kills: 5, ownLimitEvents: 2, groupKills: 1, limitHits: nil))
        let foreign = "low 0\nhigh 0\nmax 0\noom 0\noom_kill 1\noom_group_kill 0\n"
        let host = MemoryV2.oom(of: try FakeCgroup(["memory.events": foreign]).directory(.v2))
        #expect(host.kills == 1 && host.ownLimitEvents == 0)
        #expect(MemoryV2.oom(of: try FakeCgroup().directory(.v2)) == OOMCounters())
    }

    /// All tasks at -1000, or page cache alone: many events and nobody killed.
    @Test func `limit hits and oom events are no kills`() throws {
        let text = "low 0\nhigh 0\nmax 274\noom 1027\noom_kill 0\noom_group_kill 0\n"
        #expect(MemoryV2.oom(of: try FakeCgroup(["memory.events": text]).directory(.v2)).kills == 0)
    }

    @Test func `an ancestor's own OOMs are in the local file only`() throws {
        #expect(MemoryV2.ancestorCounter(of: try FakeCgroup(Self.complete).directory(.v2)) == 4)
        let root = try FakeCgroup(["memory.events": "oom 9\n"])
        #expect(MemoryV2.ancestorCounter(of: try root.directory(.v2)) == nil)
    }
}

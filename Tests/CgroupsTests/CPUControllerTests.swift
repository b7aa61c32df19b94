// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

@testable import Cgroups

@Suite struct CPUControllerTests {
    @Test(arguments: [
        ("50000 100000\n", 500), ("100000 100000\n", 1000), ("1000 100000", 10), ("400000 100000\n", 4000),
        ("12345 50000\n", 246), ("max 100000\n", nil),
    ])
    func `cpu.max as a number of CPUs`(_ text: String, _ milli: Int?) {
        #expect(CPUController.quota(cpuMax: text) == milli.map { CPUCount(milli: $0) })
    }

    @Test(arguments: [
        "", "\n", "max", "50000", "50000 ", "50000 0", "50000 -1", "-1 100000", "x y", "1 2 3", "50000 max",
        "99999999999999999999 100000", "9223372036854775807 1", "9223372036854775807 100000",
    ])
    func `a quota that cannot be is none`(_ text: String) { #expect(CPUController.quota(cpuMax: text) == nil) }

    @Test func `v2 limits are written in one value and read back`() throws {
        let cgroup = try FakeCgroup(["cpu.max": "", "cpu.weight": ""])
        let directory = try cgroup.directory(.v2)
        var limits = Limits()
        (limits.cpus, limits.cpuWeight) = (CPUCount(milli: 1500), 250)
        try CPUController.apply(limits, to: directory)
        #expect(cgroup.text(of: "cpu.max") == "150000 100000")
        var effective = EffectiveLimits()
        CPUController.readBack(directory, into: &effective)
        #expect(effective.cpus == CPUCount(milli: 1500) && effective.cpuWeight == 250)
    }

    @Test func `v1 limits are two files`() throws {
        let cgroup = try FakeCgroup(["cpu.cfs_period_us": "", "cpu.cfs_quota_us": "", "cpu.shares": ""])
        let directory = try cgroup.directory(.v1)
        var limits = Limits()
        (limits.cpus, limits.cpuWeight) = (CPUCount(milli: 10), 100)
        try CPUController.apply(limits, to: directory)
        #expect(cgroup.text(of: "cpu.cfs_period_us") == "100000")
        #expect(cgroup.text(of: "cpu.cfs_quota_us") == "1000")
        #expect(cgroup.text(of: "cpu.shares") == "1024", "100 and 1024 are both the default share")
        var effective = EffectiveLimits()
        CPUController.readBack(directory, into: &effective)
        #expect(effective.cpus == CPUCount(milli: 10) && effective.cpuWeight == 100)
    }

    @Test func `no quota is no number of CPUs on either interface`() throws {
        var effective = EffectiveLimits()
        CPUController.readBack(try FakeCgroup(["cpu.max": "max 100000\n"]).directory(.v2), into: &effective)
        #expect(effective.cpus == nil && effective.cpuWeight == nil)
        let v1 = try FakeCgroup(["cpu.cfs_period_us": "100000\n", "cpu.cfs_quota_us": "-1\n"])
        CPUController.readBack(try v1.directory(.v1), into: &effective)
        #expect(effective.cpus == nil && effective.cpuWeight == nil)
    }

    @Test func `a weight survives its way through v1 shares`() throws {
        let cgroup = try FakeCgroup(["cpu.shares": ""])
        let directory = try cgroup.directory(.v1)
        for weight in [1, 2, 3, 7, 39, 50, 99, 100, 101, 333, 9999, 10000] {
            var limits = Limits()
            limits.cpuWeight = weight
            // The file is no kernel's: what an earlier, longer value left behind must not stay.
            try cgroup.add(["cpu.shares": ""])
            try CPUController.apply(limits, to: directory)
            var effective = EffectiveLimits()
            CPUController.readBack(directory, into: &effective)
            #expect(effective.cpuWeight == weight)
        }
    }

    // MARK: Accounting

    @Test(arguments: [
        KernelTexts.cpuStat510, KernelTexts.cpuStat61, KernelTexts.cpuStat612, KernelTexts.cpuStatBare,
    ])
    func `v2 times are there on every kernel, with the controller or without`(_ text: String) throws {
        var reading = UsageReading()
        CPUController.time(of: try FakeCgroup(["cpu.stat": text]).directory(.v2), into: &reading)
        #expect(reading.usage.cpuUsageUsec == 1_747_203)
        #expect(reading.usage.cpuUserUsec == 1_346_159)
        #expect(reading.usage.cpuSystemUsec == 401_044)
        #expect(reading.unavailable.isEmpty)
    }

    @Test func `v1 times are nanoseconds`() throws {
        let cgroup = try FakeCgroup([
            "cpuacct.usage": "1234567890\n", "cpuacct.usage_user": "1000000000\n", "cpuacct.usage_sys": "234567890\n",
        ])
        var reading = UsageReading()
        CPUController.time(of: try cgroup.directory(.v1), into: &reading)
        #expect(reading.usage.cpuUsageUsec == 1_234_567)
        #expect(reading.usage.cpuUserUsec == 1_000_000)
        #expect(reading.usage.cpuSystemUsec == 234_567)
    }

    @Test(arguments: [CgroupVersion.v1, .v2]) func `no file is no time`(_ version: CgroupVersion) throws {
        var reading = UsageReading()
        CPUController.time(of: try FakeCgroup().directory(version), into: &reading)
        #expect(reading.usage == Usage())
        #expect(Set(reading.unavailable.keys) == ["cpu_usage_usec", "cpu_user_usec", "cpu_system_usec"])
    }

    @Test func `throttling is microseconds on v2 and nanoseconds on v1`() throws {
        var reading = UsageReading()
        CPUController.throttling(
            of: try FakeCgroup(["cpu.stat": KernelTexts.cpuStat612]).directory(.v2), into: &reading)
        #expect(reading.usage.cpuPeriods == 12 && reading.usage.cpuThrottledPeriods == 11)
        #expect(reading.usage.cpuThrottledUsec == 860_123)
        let v1 = "nr_periods 20\nnr_throttled 3\nthrottled_time 1500000\nnr_bursts 0\nburst_time 0\n"
        CPUController.throttling(of: try FakeCgroup(["cpu.stat": v1]).directory(.v1), into: &reading)
        #expect(reading.usage.cpuPeriods == 20 && reading.usage.cpuThrottledPeriods == 3)
        #expect(reading.usage.cpuThrottledUsec == 1500)
    }

    @Test func `without the controller nothing is said to be unthrottled`() throws {
        let keys: Set = ["cpu_periods", "cpu_throttled_periods", "cpu_throttled_usec"]
        var reading = UsageReading()
        CPUController.throttling(of: nil, into: &reading)
        #expect(reading.usage == Usage() && Set(reading.unavailable.keys) == keys)
        reading = UsageReading()
        let bare = try FakeCgroup(["cpu.stat": KernelTexts.cpuStatBare])
        CPUController.throttling(of: try bare.directory(.v2), into: &reading)
        #expect(reading.usage == Usage() && Set(reading.unavailable.keys) == keys)
    }
}

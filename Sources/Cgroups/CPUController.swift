// SPDX-License-Identifier: Apache-2.0
import JobModel

/// CPU quota, weight, set and time, for both interfaces: they differ in file names and units only.
enum CPUController {
    /// The kernel's default period; quota × period is exact to 10 µs of each 100 ms.
    static let periodUsec = 100_000

    /// - Parameter most: what may be asked for here.
    static func apply(
        _ limits: Limits, to directory: CgroupDirectory, most: CPUCount? = nil
    ) throws(CgroupError) {
        if let wanted = limits.cpus {
            let cpus = min(wanted, most ?? wanted)
            let quota = cpus.milli * periodUsec / 1000
            switch directory.version {
            case .v2: try directory.write("\(quota) \(periodUsec)", to: "cpu.max")
            case .v1:
                try directory.write("\(periodUsec)", to: "cpu.cfs_period_us")
                try directory.write("\(quota)", to: "cpu.cfs_quota_us")
            }
        }
        if let weight = limits.cpuWeight {
            switch directory.version {
            case .v2: try directory.write("\(weight)", to: "cpu.weight")
            // 100 is the default of one, 1024 of the other; 2 is the least the kernel takes.
            case .v1: try directory.write("\(max(2, weight * 1024 / 100))", to: "cpu.shares")
            }
        }
    }

    static func readBack(_ directory: CgroupDirectory, into limits: inout EffectiveLimits) {
        limits.cpus = quota(of: directory)
        switch directory.version {
        case .v2: limits.cpuWeight = directory.readInt("cpu.weight")
        case .v1: limits.cpuWeight = directory.readInt("cpu.shares").map { max(1, ($0 * 100 + 512) / 1024) }
        }
    }

    /// The CPUs that a cgroup may use, `nil` if it has no quota.
    static func quota(of directory: CgroupDirectory) -> CPUCount? {
        switch directory.version {
        case .v2: return quota(cpuMax: directory.read("cpu.max") ?? "")
        case .v1:
            guard let quota = directory.readInt("cpu.cfs_quota_us"), quota > 0,
                let period = directory.readInt("cpu.cfs_period_us"), period > 0
            else { return nil }
            return CPUCount(milli: quota * 1000 / period)
        }
    }

    /// `50000 100000` is half a CPU, `max 100000` none of our business.
    static func quota(cpuMax text: String) -> CPUCount? {
        let numbers = text.split { $0 == " " || $0 == "\n" }.map { Int($0) }
        guard numbers.count == 2, let quota = numbers[0], let period = numbers[1], quota > 0, period > 0,
            case let (milli, overflow) = quota.multipliedReportingOverflow(by: 1000), !overflow
        else { return nil }
        return CPUCount(milli: milli / period)
    }

    /// CPU time from the v2 tree, where it exists without the controller, even beside v1 controllers.
    static func time(of directory: CgroupDirectory, into reading: inout UsageReading) {
        switch directory.version {
        case .v2:
            let stat = FlatKeyed(directory.read("cpu.stat"))
            reading.set("cpu_usage_usec", \.cpuUsageUsec, stat["usage_usec"], otherwise: "no usage_usec in cpu.stat")
            reading.set("cpu_user_usec", \.cpuUserUsec, stat["user_usec"], otherwise: "no user_usec in cpu.stat")
            reading.set(
                "cpu_system_usec", \.cpuSystemUsec, stat["system_usec"], otherwise: "no system_usec in cpu.stat")
        case .v1:
            let usec = { directory.readInt($0).map { $0 / 1000 } }
            reading.set("cpu_usage_usec", \.cpuUsageUsec, usec("cpuacct.usage"), otherwise: "no cpuacct.usage")
            reading.set(
                "cpu_user_usec", \.cpuUserUsec, usec("cpuacct.usage_user"),
                otherwise: "no cpuacct.usage_user (kernel 4.7)")
            reading.set(
                "cpu_system_usec", \.cpuSystemUsec, usec("cpuacct.usage_sys"),
                otherwise: "no cpuacct.usage_sys (kernel 4.7)")
        }
    }

    /// How often the quota held the job back.
    static func throttling(of directory: CgroupDirectory?, into reading: inout UsageReading) {
        let stat = FlatKeyed(directory?.read("cpu.stat"))
        let reason = directory == nil ? "no cpu controller in use: the job has no quota" : "no nr_throttled in cpu.stat"
        reading.set("cpu_periods", \.cpuPeriods, stat["nr_periods"], otherwise: reason)
        reading.set("cpu_throttled_periods", \.cpuThrottledPeriods, stat["nr_throttled"], otherwise: reason)
        let usec = directory?.version == .v1 ? stat["throttled_time"].map { $0 / 1000 } : stat["throttled_usec"]
        reading.set("cpu_throttled_usec", \.cpuThrottledUsec, usec, otherwise: reason)
    }
}

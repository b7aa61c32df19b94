// SPDX-License-Identifier: Apache-2.0
import Cgroups
import JobModel
import Linux

/// Counters of the whole machine; compared before and after an attempt they say whether its figures can be trusted.
struct MachineReading: Sendable {
    var pagesSwapped: Int?
    var thermalThrottles: Int?
    /// The Raspberry Pi firmware's word: bits 0–3 are now, 16–19 since boot.
    var firmwareThrottled: Int?

    /// Where this machine has such counters; looked up once.
    struct Sources: Sendable {
        var hasSwap: Bool
        var thermal: [String]
        var firmware: String?

        static func find(sysRoot: String = "/sys") -> Sources {
            let cpus = sysRoot + "/devices/system/cpu"
            // Per core only: the package's count is the same event again, once for each of its CPUs.
            let thermal = ((try? Files.list(cpus)) ?? []).map(\.name)
                .filter { $0.hasPrefix("cpu") && $0.dropFirst(3).allSatisfy(\.isNumber) }
                .map { "\(cpus)/\($0)/thermal_throttle/core_throttle_count" }
                .filter { Files.exists($0) }
            let firmware = sysRoot + "/devices/platform/soc/soc:firmware/get_throttled"
            return Sources(hasSwap: Linux.hasSwap, thermal: thermal, firmware: Files.exists(firmware) ? firmware : nil)
        }
    }

    init(pagesSwapped: Int?, thermalThrottles: Int?, firmwareThrottled: Int?) {
        self.pagesSwapped = pagesSwapped
        self.thermalThrottles = thermalThrottles
        self.firmwareThrottled = firmwareThrottled
    }

    init(_ sources: Sources) {
        if sources.hasSwap {
            let vmstat = FlatKeyed(try? Files.read("/proc/vmstat"))
            if let out = vmstat["pswpout"], let back = vmstat["pswpin"] { pagesSwapped = out + back }
        }
        if !sources.thermal.isEmpty {
            thermalThrottles = sources.thermal.compactMap { number($0, radix: 10) }.reduce(0, +)
        }
        firmwareThrottled = sources.firmware.flatMap { number($0, radix: 16) }
    }

    /// The flags that a run between two readings deserves.
    static func flags(before: MachineReading, after: MachineReading) -> [TrustFlag] {
        var flags: [TrustFlag] = []
        if let a = before.pagesSwapped, let b = after.pagesSwapped, b > a {
            flags.append(TrustFlag(.swapped, "the machine swapped \(b - a) pages during the run"))
        }
        if let a = before.thermalThrottles, let b = after.thermalThrottles, b > a {
            flags.append(TrustFlag(.thermalThrottled, "the CPUs were slowed down \(b - a) times to cool"))
        }
        if let a = before.firmwareThrottled, let b = after.firmwareThrottled {
            // In force at the start or at the end, or newly noted since boot.
            let bits = (a | b) & 0xf | (b & ~a) >> 16 & 0xf
            if bits & 1 != 0 {
                flags.append(TrustFlag(.underVoltage, "the supply voltage fell too low (get_throttled \(hex(b)))"))
            }
            if bits & 0b1110 != 0 {
                flags.append(TrustFlag(.thermalThrottled, "the firmware lowered the clock (get_throttled \(hex(b)))"))
            }
        }
        return flags
    }
}

private func number(_ path: String, radix: Int) -> Int? {
    guard let text = try? Files.read(path) else { return nil }
    var digits = text.prefix { $0 != "\n" && $0 != " " }
    if radix == 16, digits.hasPrefix("0x") { digits = digits.dropFirst(2) }
    return Int(digits, radix: radix)
}

private func hex(_ value: Int) -> String { "0x" + String(value, radix: 16) }

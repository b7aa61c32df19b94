// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

@testable import Supervisor

@Suite struct MachineReadingTests {
    private static let none = MachineReading.Sources(hasSwap: false, thermal: [], firmware: nil)

    private func reading(swapped: Int? = nil, thermal: Int? = nil, firmware: Int? = nil) -> MachineReading {
        var reading = MachineReading(Self.none)
        (reading.pagesSwapped, reading.thermalThrottles, reading.firmwareThrottled) = (swapped, thermal, firmware)
        return reading
    }

    private func flags(_ before: MachineReading, _ after: MachineReading) -> [TrustFlag.Kind] {
        MachineReading.flags(before: before, after: after).map(\.kind)
    }

    @Test func `a quiet machine deserves no flag`() {
        let quiet = reading(swapped: 5, thermal: 7, firmware: 0)
        #expect(flags(quiet, quiet).isEmpty)
        #expect(flags(reading(), reading()).isEmpty)
    }

    @Test func `pages that moved during the run are told with their number`() {
        let found = MachineReading.flags(before: reading(swapped: 100), after: reading(swapped: 142))
        #expect(found.map(\.kind) == [.swapped])
        #expect(found[0].detail.contains("42 pages"))
    }

    @Test func `CPUs that were slowed down are told with their number`() {
        let found = MachineReading.flags(before: reading(thermal: 1), after: reading(thermal: 4))
        #expect(found.map(\.kind) == [.thermalThrottled])
        #expect(found[0].detail.contains("3 times"))
    }

    @Test func `a counter known only once says nothing`() {
        #expect(flags(reading(), reading(swapped: 9, thermal: 9, firmware: 0xf)).isEmpty)
        #expect(flags(reading(swapped: 9, thermal: 9, firmware: 0xf), reading()).isEmpty)
    }

    @Test func `a counter that fell says nothing`() {
        #expect(flags(reading(swapped: 9, thermal: 9), reading(swapped: 1, thermal: 1)).isEmpty)
    }

    /// get_throttled: bit 0 under-voltage, 1 frequency capped, 2 throttled, 3 soft temperature limit; 16-19 since boot.
    @Test(arguments: [
        (0, 0x1, [TrustFlag.Kind.underVoltage]),
        (0, 0x2, [.thermalThrottled]), (0, 0x4, [.thermalThrottled]), (0, 0x8, [.thermalThrottled]),
        // It came and went during the run.
        (0, 0x10000, [.underVoltage]), (0, 0x20000, [.thermalThrottled]), (0, 0x40000, [.thermalThrottled]),
        (0, 0x80000, [.thermalThrottled]),
        (0, 0x50005, [.underVoltage, .thermalThrottled]),
        // It was before the run.
        (0x10000, 0x10000, []), (0xf0000, 0xf0000, []),
        // Before the run, and again now.
        (0x10000, 0x10001, [.underVoltage]),
        // One before, another during the run.
        (0x10000, 0x50000, [.thermalThrottled]), (0x40000, 0x50000, [.underVoltage]),
        // Bits that mean nothing to us.
        (0, 0x100, []), (0, 0x1000000, []), (0, 0xfff0, []),
    ])
    func `the firmware's bits, those set long ago excepted`(_ before: Int, _ after: Int, _ kinds: [TrustFlag.Kind]) {
        #expect(flags(reading(firmware: before), reading(firmware: after)) == kinds)
    }

    @Test func `the firmware's word is shown as it writes it`() {
        let found = MachineReading.flags(before: reading(firmware: 0), after: reading(firmware: 0x50005))
        #expect(found.allSatisfy { $0.detail.contains("0x50005") })
    }

    @Test func `everything at once is three flags and more`() {
        let found = flags(reading(swapped: 0, thermal: 0, firmware: 0), reading(swapped: 1, thermal: 1, firmware: 0x3))
        #expect(found == [.swapped, .thermalThrottled, .underVoltage, .thermalThrottled])
    }

    // MARK: From files

    private static let throttle = "thermal_throttle/core_throttle_count"

    @Test func `counters of all CPUs are found and added up`() throws {
        let files = [
            "devices/system/cpu/cpu0/\(Self.throttle)": "3\n",
            "devices/system/cpu/cpu0/thermal_throttle/package_throttle_count": "10\n",
            "devices/system/cpu/cpu11/\(Self.throttle)": "4\n", "devices/system/cpu/cpufreq/\(Self.throttle)": "100\n",
            "devices/system/cpu/cpu2/topology/core_id": "0\n",
        ]
        try withFiles(files) { root in
            var sources = MachineReading.Sources.find(sysRoot: root)
            #expect(sources.thermal.count == 2)
            #expect(sources.firmware == nil)
            sources.hasSwap = false
            #expect(MachineReading(sources).thermalThrottles == 7, "cores only, and real CPUs only")
            #expect(MachineReading(sources).firmwareThrottled == nil)
        }
    }

    @Test(arguments: [
        ("50005\n", 0x50005), ("0x50000\n", 0x50000), ("0\n", 0), ("e0008", 0xe0008), ("", nil), ("zzz\n", nil),
    ])
    func `the firmware's word is hexadecimal`(_ text: String, _ value: Int?) throws {
        try withFiles(["devices/platform/soc/soc:firmware/get_throttled": text]) { root in
            var sources = MachineReading.Sources.find(sysRoot: root)
            sources.hasSwap = false
            #expect(sources.firmware == root + "/devices/platform/soc/soc:firmware/get_throttled")
            #expect(MachineReading(sources).firmwareThrottled == value)
            #expect(MachineReading(sources).thermalThrottles == nil, "no counter is not 0")
        }
    }

    @Test func `a machine without such counters has none`() throws {
        let sources = MachineReading.Sources.find(sysRoot: "/no/such/directory")
        #expect(sources.thermal.isEmpty && sources.firmware == nil)
        let reading = MachineReading(Self.none)
        #expect(reading.pagesSwapped == nil && reading.thermalThrottles == nil && reading.firmwareThrottled == nil)
    }

    @Test func `with swap the machine's own counter is read`() {
        let reading = MachineReading(.init(hasSwap: true, thermal: [], firmware: nil))
        #expect(reading.pagesSwapped != nil)
    }
}

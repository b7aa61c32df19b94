// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

@testable import Cgroups

@Suite struct IOTotalsTests {
    /// Every device is a disk.
    private func IOTotals(v2 text: String) -> Cgroups.IOTotals { IOTraffic(v2: text).total { _ in .on([]) } }
    private func IOTotals(v1Bytes bytes: String, v1Operations operations: String) -> Cgroups.IOTotals {
        IOTraffic(v1Bytes: bytes, v1Operations: operations).total { _ in .on([]) }
    }

    private func written(_ bytes: [String: Int], _ stack: [String: DeviceStack]) -> Int {
        let text = bytes.map { "\($0.key) rbytes=0 wbytes=\($0.value) rios=0 wios=0\n" }.joined()
        return IOTraffic(v2: text).total { stack[$0] ?? .on([]) }.writeBytes
    }

    @Test func `a request to a stacked device counts once`() {
        let loop: [String: DeviceStack] = ["7:0": .on(["254:0"])]
        #expect(written(["7:0": 16, "254:0": 17], loop) == 17)
        // What goes to the disk itself counts as well.
        #expect(written(["7:0": 16, "254:0": 49], loop) == 49)
        // A kernel that does not charge what is below, or a disk that this cgroup does not see.
        #expect(written(["7:0": 16], loop) == 16 && written(["7:0": 16, "254:0": 0], loop) == 16)
        let layers: [String: DeviceStack] = ["253:0": .on(["9:0"]), "9:0": .on(["8:0", "8:16"])]
        #expect(written(["253:0": 16, "9:0": 16, "8:0": 16, "8:16": 16], layers) == 16)
    }

    @Test func `memory is no disk`() {
        #expect(written(["252:0": 5, "8:0": 7], ["252:0": .memory]) == 7)
    }

    @Test func `v2 devices are added up`() {
        let totals = IOTotals(
            v2: """
                8:0 rbytes=1048576 wbytes=4096 rios=10 wios=1 dbytes=0 dios=0
                259:1 rbytes=512 wbytes=8192 rios=1 wios=2 dbytes=777 dios=88

                """)
        #expect(totals.readBytes == 1_049_088)
        #expect(totals.writeBytes == 12_288)
        #expect(totals.readOperations == 11)
        #expect(totals.writeOperations == 3)
    }

    /// Devices with no traffic leave a bare number behind; some kernels put the next device on the same line.
    @Test func `v2 lines without values count for nothing`() {
        let totals = IOTotals(v2: "8:0 \n7:1 7:2 259:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n254:0\n")
        #expect(totals.readBytes == 1 && totals.writeBytes == 2)
        #expect(totals.readOperations == 3 && totals.writeOperations == 4)
    }

    @Test func `v2 with io.cost and io.latency on has more words`() {
        let totals = IOTotals(
            v2:
                "8:0 rbytes=5 wbytes=6 rios=7 wios=8 dbytes=0 dios=0 cost.vrate=100.00 cost.usage=12 use_delay=0 delay_nsec=0 depth=max avg_lat=0 win=0\n"
        )
        #expect(totals.readBytes == 5 && totals.writeBytes == 6)
        #expect(totals.readOperations == 7 && totals.writeOperations == 8)
    }

    @Test(arguments: ["", "\n", "8:0", "garbage", "8:0 rbytes", "8:0 rbytes=", "8:0 rbytes=x", "=5"])
    func `v2 texts without a value are no traffic`(_ text: String) {
        let totals = IOTotals(v2: text)
        #expect(totals.readBytes == 0 && totals.writeBytes == 0)
    }

    @Test func `v1 takes reads and writes and neither their sums nor the totals`() {
        let totals = IOTotals(
            v1Bytes: """
                8:0 Read 4096
                8:0 Write 8192
                8:0 Sync 12288
                8:0 Async 0
                8:0 Discard 99
                8:0 Total 12288
                254:0 Read 1
                254:0 Write 2
                254:0 Total 3
                Total 12291

                """,
            v1Operations: "8:0 Read 1\n8:0 Write 2\n8:0 Sync 3\n8:0 Total 3\nTotal 3\n")
        #expect(totals.readBytes == 4097 && totals.writeBytes == 8194)
        #expect(totals.readOperations == 1 && totals.writeOperations == 2)
    }

    @Test func `v1 of a cgroup without traffic is one line of total`() {
        let totals = IOTotals(v1Bytes: "Total 0\n", v1Operations: "Total 0\n")
        #expect(totals.readBytes == 0 && totals.writeOperations == 0)
    }

    @Test func `numbers that do not fit are no crash`() {
        let huge = "9223372036854775807"
        let v2 = IOTotals(v2: "8:0 rbytes=\(huge) wios=\(huge)\n8:1 rbytes=\(huge) wios=\(huge)\n")
        #expect(v2.readBytes == .max && v2.writeOperations == .max)
        let lines = "8:0 Read \(huge)\n8:1 Read \(huge)\n"
        let v1 = IOTotals(v1Bytes: lines, v1Operations: lines)
        #expect(v1.readBytes == .max && v1.readOperations == .max)
    }

    @Test func `no damage brings the parser down`() {
        let text =
            "8:0 rbytes=1048576 wbytes=4096 rios=10 wios=1 dbytes=0 dios=0\n259:1 rbytes=512 wbytes=8192 rios=1 wios=2\n"
        for text in damaged(text) { #expect(IOTotals(v2: text + "\n") == IOTotals(v2: text)) }
        for text in damaged("8:0 Read 4096\n8:0 Write 8192\nTotal 12288\n") {
            #expect(
                IOTotals(v1Bytes: text, v1Operations: text).readBytes
                    == IOTotals(v1Bytes: text, v1Operations: "").readBytes)
        }
    }

    // MARK: From files

    @Test func `v2 figures come from io.stat`() throws {
        let cgroup = try FakeCgroup(["io.stat": "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n"])
        var reading = UsageReading()
        IOController.usage(of: try cgroup.directory(.v2), into: &reading)
        #expect(reading.usage.ioReadBytes == 1 && reading.usage.ioWriteOperations == 4)
        #expect(reading.unavailable.isEmpty)
    }

    @Test func `v1 figures count sub-cgroups too`() throws {
        let cgroup = try FakeCgroup([
            "blkio.throttle.io_service_bytes": "8:0 Read 1\n", "blkio.throttle.io_serviced": "8:0 Read 1\n",
            "blkio.throttle.io_service_bytes_recursive": "8:0 Read 512\n8:0 Write 1024\n",
            "blkio.throttle.io_serviced_recursive": "8:0 Read 5\n8:0 Write 6\n",
        ])
        var reading = UsageReading()
        IOController.usage(of: try cgroup.directory(.v1), into: &reading)
        #expect(reading.usage.ioReadBytes == 512 && reading.usage.ioWriteBytes == 1024)
        #expect(reading.usage.ioReadOperations == 5 && reading.usage.ioWriteOperations == 6)
    }

    @Test(arguments: [CgroupVersion.v1, .v2]) func `without its file a figure is unknown`(_ version: CgroupVersion)
        throws
    {
        var reading = UsageReading()
        IOController.usage(of: try FakeCgroup().directory(version), into: &reading)
        #expect(reading.usage == Usage())
        #expect(reading.unavailable.count == 4)
        reading = UsageReading()
        IOController.usage(of: nil, into: &reading)
        #expect(reading.usage == Usage())
        #expect(reading.unavailable["io_read_bytes"]?.contains("not available") == true)
    }

    @Test func `v1 operations without their file are unknown, and the bytes known`() throws {
        let cgroup = try FakeCgroup(["blkio.throttle.io_service_bytes_recursive": "8:0 Read 512\n"])
        var reading = UsageReading()
        IOController.usage(of: try cgroup.directory(.v1), into: &reading)
        #expect(reading.usage.ioReadBytes == 512)
        #expect(reading.usage.ioReadOperations == nil && reading.usage.ioWriteOperations == nil)
        #expect(reading.unavailable["io_read_operations"]?.contains("io_serviced") == true)
    }
}

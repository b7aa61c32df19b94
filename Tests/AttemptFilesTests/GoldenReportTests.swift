// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Testing

/// Reports as they were written by builds that may still run somewhere. They are never changed; a new format adds its own.
@Suite struct GoldenReportTests {
    /// Reports of real jobs: by the build of commit 4512585, before there were versions, and by format 1. The last one is composed.
    private static let reports: [(name: String, hex: String, reports: [Report])] = [
        (
            "4512585: exit status 3",
            "18000000000000000500000000000000f03e00000000000017861700000000002800000000000000"
                + "00000000000000000200000000000000f13e000000000000ad3ae6960300000019cafb3e44610600"
                + "68000000000000000400000000000000000300000000000081a2089703000000ee311e3f44610600"
                + "005060000000000000506000000000003c0d00000000000000000000000000000600000000000000"
                + "0600000000000000000000000000000000000000000000000000000000000000",
            [
                born(16112, 1541655),
                started(16113, 15416572589, 1795795602623001),
                exited(
                    768, 15418827393, 1795795604877806, rss: 6311936, floor: 6311936, cpu: 3388, switches: (6, 6)),
            ]
        ),
        (
            "4512585: wall-time limit, killed",
            "18000000000000000500000000000000f73e0000000000001d861700000000002800000000000000"
                + "00000000000000000200000000000000f83e000000000000ae14e796030000001aa4fc3e44610600"
                + "10000000000000000300000000000000000000000000000008000000000000000700000000000000"
                + "68000000000000000400000000000000090000000000000040e0149703000000ac6f2a3f44610600"
                + "00506000000000000050600000000000191600000000000000000000000000000e00000000000000"
                + "0500000000000000000000000000000000000000000000000200000000000000",
            [
                born(16119, 1541661),
                started(16120, 15416628398, 1795795602678810),
                .limitReached(.wall),
                .killing,
                exited(
                    9, 15419629632, 1795795605680044, rss: 6311936, floor: 6311936, cpu: 5657, switches: (14, 5),
                    killed: 2),
            ]
        ),
        (
            "4512585: SIGKILL from itself",
            "18000000000000000500000000000000fe3e00000000000025861700000000002800000000000000"
                + "00000000000000000200000000000000ff3e000000000000254de8960300000092dcfd3e44610600"
                + "6800000000000000040000000000000009000000000000001766f9960300000084f50e3f44610600"
                + "00506000000000000050600000000000740b00000000000000000000000000000600000000000000"
                + "0300000000000000000000000000000000000000000000000000000000000000",
            [
                born(16126, 1541669),
                started(16127, 15416708389, 1795795602758802),
                exited(
                    9, 15417828887, 1795795603879300, rss: 6311936, floor: 6311936, cpu: 2932, switches: (6, 3)),
            ]
        ),
        (
            "4512585: command not found, and the other kinds",
            "18000000000000000500000000000000053f00000000000030861700000000004600000000000000"
                + "010000000000000007000000000000006578656375746517000000000000002f746d702f6e6f2d73"
                + "7563682d636f6d6d616e642dc3bc02000000000000000100000000000000",
            [
                born(16133, 1541680),
                .failed(SetupFailure(step: "execute", detail: "/tmp/no-such-command-ü", errno: 2, isCommand: true)),
            ]
        ),
        (
            "format 1: exit status 3",
            "4a4f4253524550540100000001000000010000002400000001000800f12e00000000000002000800"
                + "81c91800000000000300080002000000000000000200000030000000010008000200000000000000"
                + "02000800f22e0000000000000300080060503fc80300000004000800ccdf54704461060006000000"
                + "8400000001000800000300000000000002000800ee3d5fc803000000030008005bcd747044610600"
                + "0400080000804f00000000000500080000804f0000000000060008006b0a00000000000007000800"
                + "00000000000000000800080006000000000000000900080003000000000000000b00080000000000"
                + "000000000c0008000000000000000000",
            [
                born(12017, 1624449),
                started(12018, 16244494432, 1795796430544844),
                exited(
                    768, 16246586862, 1795796432637275, rss: 5210112, floor: 5210112, cpu: 2667, switches: (6, 3)),
            ]
        ),
        (
            "format 1: wall-time limit, killed",
            "4a4f4253524550540100000001000000010000002400000001000800f82e00000000000002000800"
                + "84c91800000000000300080002000000000000000200000030000000010008000200000000000000"
                + "02000800f92e0000000000000300080025bd3fc80300000004000800914c55704461060005000000"
                + "0c000000010008000000000000000000080000000000000006000000840000000100080009000000"
                + "000000000200080002886dc803000000030008006e178370446106000400080000804f0000000000"
                + "0500080000804f000000000006000800a71700000000000007000800000000000000000008000800"
                + "0e000000000000000900080003000000000000000b00080000000000000000000c00080002000000"
                + "00000000",
            [
                born(12024, 1624452),
                started(12025, 16244522277, 1795796430572689),
                .limitReached(.wall),
                .killing,
                exited(
                    9, 16247523330, 1795796433573742, rss: 5210112, floor: 5210112, cpu: 6055, switches: (14, 3),
                    killed: 2),
            ]
        ),
        (
            "format 1: SIGKILL from itself",
            "4a4f4253524550540100000001000000010000002400000001000800ff2e00000000000002000800"
                + "86c91800000000000300080002000000000000000200000030000000010008000200000000000000"
                + "02000800002f000000000000030008003c2740c80300000004000800a8b655704461060006000000"
                + "8400000001000800090000000000000002000800a1fb4fc803000000030008000d8b657044610600"
                + "0400080000804f00000000000500080000804f000000000006000800510900000000000007000800"
                + "00000000000000000800080006000000000000000900080002000000000000000b00080000000000"
                + "000000000c0008000000000000000000",
            [
                born(12031, 1624454),
                started(12032, 16244549436, 1795796430599848),
                exited(
                    9, 16245586849, 1795796431637261, rss: 5210112, floor: 5210112, cpu: 2385, switches: (6, 2)),
            ]
        ),
        (
            "format 1: command not found, and the other kinds",
            "4a4f4253524550540100000001000000010000002400000001000800671200000000000002000800"
                + "20b81800000000000300080002000000000000000400000000000000070000000000000008000000"
                + "00000000050000000c000000010008000100000000000000030000003e0000000100070065786563"
                + "757465020017002f746d702f6e6f2d737563682d636f6d6d616e642dc3bc03000800020000000000"
                + "0000040008000100000000000000",
            [
                born(4711, 1620000),
                .stopped,
                .endedFromOutside,
                .killing,
                .limitReached(.cpu),
                .failed(SetupFailure(step: "execute", detail: "/tmp/no-such-command-ü", errno: 2, isCommand: true)),
            ]
        ),
    ]

    private static func born(_ pid: Int, _ ticks: Int) -> Report {
        var birth = Report.Birth()
        (birth.pid, birth.bootTicks, birth.vocabulary) = (pid, ticks, 2)
        return .born(birth)
    }

    private static func started(_ outerPid: Int, _ monotonic: Int, _ realtime: Int) -> Report {
        var start = Report.Start()
        (start.pid, start.outerPid, start.monotonicUsec, start.realtimeUsec) = (2, outerPid, monotonic, realtime)
        return .started(start)
    }

    private static func exited(
        _ status: Int, _ monotonic: Int, _ realtime: Int, rss: Int, floor: Int, cpu: Int, switches: (Int, Int),
        killed: Int = 0
    ) -> Report {
        var exit = Report.Exit()
        (exit.waitStatus, exit.monotonicUsec, exit.realtimeUsec) = (status, monotonic, realtime)
        (exit.maxRSSBytes, exit.floorRSSBytes, exit.cpuUsec, exit.suspendedUsec) = (rss, floor, cpu, 0)
        (exit.voluntarySwitches, exit.involuntarySwitches) = switches
        exit.killed = killed
        return .exited(exit)
    }

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
    }

    private func read(_ bytes: [UInt8]) throws -> [Report] {
        var reader = ReportReader("report")
        var reports: [Report] = []
        reader.append(bytes)
        while let report = try reader.next() { reports.append(report) }
        try reader.finish()
        return reports
    }

    @Test(arguments: reports.indices) func `a report of an earlier build is read as it was meant`(_ index: Int) throws {
        let golden = Self.reports[index]
        #expect(try read(Self.bytes(golden.hex)) == golden.reports, "\(golden.name)")
    }

    @Test func `frames of before there were versions, of each kind`() throws {
        func number(_ value: Int) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
        func frame(_ fields: Int...) -> [UInt8] { number(fields.count * 8) + fields.flatMap { number($0) } }
        #expect(
            try read(frame(2) + frame(3, 1) + frame(6) + frame(7)) == [
                .stopped, .limitReached(.cpu), .endedFromOutside, .killing,
            ])
        // The outer pid was 0 where it could not be told.
        let reports = try read(frame(0, 2, 0, 10, 11))
        guard case .started(let start)? = reports.first else { throw Unreadable("", .damage("")) }
        #expect(start.outerPid == nil && start.pid == 2 && start.monotonicUsec == 10 && start.realtimeUsec == 11)
        for bad in [
            frame(-1), frame(8), frame(3, 2), frame(2, 0), frame(0, 2, 0, 10), frame(5, -1, 0), number(-1),
            number(.max),
        ] {
            #expect(throws: Unreadable.self, "\(bad)") { try read(bad) }
        }
        for cut in 1..<40 { #expect(throws: Unreadable.self) { try read(Array(frame(0, 2, 0, 10, 11).prefix(cut))) } }
    }

    @Test func `what this build writes is format 1 to the byte`() {
        for golden in Self.reports where golden.name.hasPrefix("format 1") {
            var writer = ReportWriter()
            let written = golden.reports.flatMap { writer.bytes(of: $0) }
            #expect(written == Self.bytes(golden.hex), "\(golden.name): see decision 018 before you change the bytes")
        }
    }
}

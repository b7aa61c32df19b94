// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import AttemptFiles

/// The reports in `bytes`, up to the end or to a problem.
func read(_ bytes: [UInt8]) -> (reports: [Report], problem: Unreadable.Reason?) {
    var reader = ReportReader("report")
    var reports: [Report] = []
    reader.append(bytes)
    do throws(Unreadable) {
        while let report = try reader.next() { reports.append(report) }
        try reader.finish()
        return (reports, nil)
    } catch { return (reports, error.reason) }
}

@Suite struct ReportTests {
    private static let all: [Report] = [
        .born(birth(vocabulary: 2)), .born(birth(vocabulary: 1)), .started(start(pid: 2, at: 10)),
        .started(start(pid: 1, at: 0, outer: 77)),
        .failed(SetupFailure(step: "mount", detail: "/proc", errno: 1)),
        .failed(SetupFailure(step: "execute", detail: "tool ü", errno: 2, isCommand: true)), .stopped,
        .limitReached(.wall), .limitReached(.cpu), .endedFromOutside, .killing,
        .exited(exit(status: 0x8b, neverExecuted: false)),
        .exited(exit(status: 9, neverExecuted: true)), .exited(Report.Exit()),
    ]

    private static func birth(vocabulary: Int) -> Report.Birth {
        var birth = Report.Birth()
        (birth.pid, birth.bootTicks, birth.vocabulary) = (4711, 1 << 40, vocabulary)
        return birth
    }

    private static func start(pid: Int, at usec: Int, outer: Int? = nil) -> Report.Start {
        var start = Report.Start()
        (start.pid, start.outerPid, start.monotonicUsec, start.realtimeUsec) = (pid, outer, usec, usec + 1)
        return start
    }

    private static func exit(status: Int, neverExecuted: Bool) -> Report.Exit {
        var exit = Report.Exit()
        (exit.waitStatus, exit.monotonicUsec, exit.realtimeUsec) = (status, 7, 1 << 53)
        (exit.maxRSSBytes, exit.voluntarySwitches, exit.involuntarySwitches) = (4096, 3, 0)
        exit.floorRSSBytes = 2048
        exit.neverExecuted = neverExecuted
        (exit.terminated, exit.killed) = (1, 2)
        return exit
    }

    private static let header = FileFormat.current.header

    private func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    private func frame(_ kind: UInt16, flags: UInt16 = 0, _ body: [UInt8]) -> [UInt8] {
        bytes(kind) + bytes(flags) + bytes(UInt32(body.count)) + body
    }

    private func field(_ tag: UInt16, _ value: [UInt8]) -> [UInt8] { bytes(tag) + bytes(UInt16(value.count)) + value }

    private func body(of report: Report) -> [UInt8] { Array(report.encoded().dropFirst(8)) }

    private func header(number: Int, needs: Int) -> [UInt8] { FileFormat(number: number, needs: needs).header }

    private func isDamage(_ problem: Unreadable.Reason?) -> Bool { if case .damage = problem { true } else { false } }

    @Test(arguments: all) func `a report comes back as it was`(_ report: Report) {
        var writer = ReportWriter()
        #expect(read(writer.bytes(of: report)) == ([report], nil))
    }

    @Test func `several reports come back in their order`() {
        var writer = ReportWriter()
        #expect(read(Self.all.flatMap { writer.bytes(of: $0) }) == (Self.all, nil))
    }

    @Test func `nothing is no report, and no problem`() { #expect(read([]) == ([], nil)) }

    @Test func `a text that is too long is cut, and fits into a frame`() throws {
        let long = String(repeating: "ü", count: 100_000)
        let report = Report.failed(SetupFailure(step: long, detail: long, errno: 1))
        #expect(report.encoded().count < Report.mostBytesOfFrame)
        let (reports, problem) = read(Self.header + report.encoded())
        guard case .failed(let failure)? = reports.first else {
            throw problem.map { Unreadable("report", $0) } ?? .init("", .damage(""))
        }
        #expect(long.hasPrefix(failure.detail) && failure.detail.utf8.count > 10_000)
    }

    /// A pipe gives what it has: a frame may come in any number of pieces.
    @Test func `byte by byte everything arrives once, and the end in a part of a frame is told`() throws {
        var (reader, writer) = (ReportReader("report"), ReportWriter())
        var reports: [Report] = []
        for byte in Self.all.flatMap({ writer.bytes(of: $0) }) {
            reader.append([byte])
            while let report = try reader.next() { reports.append(report) }
        }
        #expect(reports == Self.all)
        let whole = Self.header + Self.all[0].encoded()
        for cut in 1..<whole.count where cut != Self.header.count {
            let (reports, problem) = read(Array(whole[..<cut]))
            #expect(reports.isEmpty && isDamage(problem), "\(cut)")
        }
    }

    // MARK: Other versions

    @Test func `fields that this version does not know are passed over, wherever they stand`() {
        for report in Self.all {
            let (before, after) = (field(60000, []), field(999, Array(repeating: 7, count: 300)))
            let whole = Array(report.encoded().prefix(2))
            let kind = UInt16(whole[0]) | UInt16(whole[1]) << 8
            #expect(read(Self.header + frame(kind, before + body(of: report) + after)) == ([report], nil))
        }
    }

    @Test func `an optional frame that this version does not know is passed over, and another one is not`() {
        let (first, last) = (Self.all[0].encoded(), Self.all[2].encoded())
        let optional = frame(60000, flags: 1, [1, 2, 3])
        #expect(read(Self.header + first + optional + last) == ([Self.all[0], Self.all[2]], nil))
        #expect(read(Self.header + first + frame(60000, []) + last) == ([Self.all[0]], .unknownFrame(kind: 60000)))
        // Flags of later versions mean nothing to this one.
        #expect(read(Self.header + frame(60000, flags: 0xffff, []) + last) == ([Self.all[2]], nil))
    }

    @Test func `a later format is read if it needs no more than this one`() {
        let frames = Self.all.flatMap { $0.encoded() }
        #expect(read(header(number: 900, needs: 1) + frames) == (Self.all, nil))
        #expect(read(header(number: 900, needs: 900) + frames) == ([], .needs(format: 900)))
        #expect(read(header(number: 0, needs: 0) + frames) == (Self.all, nil))
        #expect(read(header(number: 0, needs: Int(UInt32.max)) + [1]) == ([], .needs(format: Int(UInt32.max))))
    }

    @Test func `a figure that a version does not tell is nil, and what the account needs must be there`() {
        func number(_ tag: UInt16, _ value: Int) -> [UInt8] { field(tag, bytes(value)) }
        let required = [1, 2, 3, 11, 12].map { number($0, 0) }
        #expect(read(Self.header + frame(6, required.flatMap { $0 })) == ([.exited(Report.Exit())], nil))
        for missing in required.indices {
            var rest = required
            rest.remove(at: missing)
            #expect(isDamage(read(Self.header + frame(6, rest.flatMap { $0 })).problem))
        }
        // A jobs-init that tells no vocabulary has the first.
        #expect(
            read(Self.header + frame(1, number(1, 5) + number(2, 6))).reports.first.map { report in
                if case .born(let birth) = report { birth.vocabulary } else { 0 }
            } == 1)
    }

    @Test func `what cannot be read stays so, whatever follows`() throws {
        var reader = ReportReader("/x/report")
        reader.append(Self.header + frame(60000, []))
        let problem = try #require(throws: Unreadable.self) { try reader.next() }
        reader.append(Self.all[0].encoded())
        #expect(throws: problem) { try reader.next() }
        #expect(problem.description.hasPrefix("cannot read /x/report: it is of a later version of jobs"))
    }

    // MARK: Hostile bytes

    /// A process that can open the file may have written any of them.
    @Test func `a number that cannot be is damage`() {
        for value in [Int.min, -1, 1 << 53 + 1, Int.max] {
            var start = Self.start(pid: 2, at: 10)
            start.outerPid = value
            var exits = [Self.exit(status: value, neverExecuted: false), Self.exit(status: 0, neverExecuted: false)]
            exits[1].cpuUsec = value
            var birth = Self.birth(vocabulary: 1)
            birth.pid = value
            for report in [.started(start), .born(birth)] + exits.map({ Report.exited($0) }) {
                let (reports, problem) = read(Self.header + report.encoded())
                #expect(reports.isEmpty && isDamage(problem), "\(report)")
            }
            #expect(isDamage(read(Self.header + frame(5, field(1, bytes(value)))).problem), "a limit")
        }
        for vocabulary in [0, 256] {
            let body = field(1, bytes(1)) + field(2, bytes(1)) + field(3, bytes(vocabulary))
            #expect(isDamage(read(Self.header + frame(1, body)).problem))
        }
    }

    @Test func `fields that do not fill their frame, or a number of another size, are damage`() {
        let body = body(of: Self.all[0])
        for count in 0..<body.count {
            #expect(isDamage(read(Self.header + frame(1, Array(body[..<count]))).problem) || count == 24, "\(count)")
        }
        #expect(isDamage(read(Self.header + frame(1, body + [0])).problem))
        #expect(isDamage(read(Self.header + frame(1, field(1, [1, 2, 3, 4]) + field(2, bytes(1)))).problem))
    }

    @Test(arguments: [65537, Int(UInt32.max)]) func `a frame that is too long is damage and not waited for`(
        _ length: Int
    ) {
        #expect(isDamage(read(Self.header + bytes(UInt16(1)) + bytes(UInt16(0)) + bytes(UInt32(length))).problem))
    }

    @Test func `more than any jobs-init writes is not kept in memory`() {
        var reader = ReportReader("report")
        for _ in 0..<20 { reader.append(Array(repeating: 0, count: 65536)) }
        #expect(throws: Unreadable.self) { try reader.next() }
    }

    @Test func `no damage brings the reader down`() {
        var random = SplitMix64(seed: 2)
        let bytes = Self.header + Self.all.flatMap { $0.encoded() }
        for _ in 0..<2000 {
            var buffer = bytes
            for _ in 0..<3 {
                buffer[.random(in: buffer.indices, using: &random)] = .random(in: 0...255, using: &random)
            }
            #expect(read(buffer).reports.count <= Self.all.count)
        }
    }

    // MARK: Control

    @Test func `orders and signals are different bytes`() {
        let orders = [Control.terminate, Control.kill, Control.leave, Control.pause, Control.resume]
        #expect(Set(orders).count == orders.count && !orders.contains { Control.signals.contains($0) })
        #expect(Control.signals.contains(15) && Control.signals.contains(64))
    }

    @Test func `every jobs-init knows how to end, and none gets an order beyond its vocabulary`() {
        for byte in [Control.terminate, Control.kill, Control.leave, 1, 15, 64] {
            #expect(Control.isKnown(byte, in: 1))
        }
        for byte in [Control.pause, Control.resume] {
            #expect(!Control.isKnown(byte, in: 1) && Control.isKnown(byte, in: 2))
        }
        for byte: UInt8 in [0, 65, 199, 205, 255] { #expect(!Control.isKnown(byte, in: 255)) }
    }
}

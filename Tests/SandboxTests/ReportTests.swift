// SPDX-License-Identifier: Apache-2.0
import Sandbox
import TestSupport
import Testing

@Suite struct ReportTests {
    private static let all: [Report] = [
        .started(start(pid: 2, at: 10)), .failed(SetupFailure(step: "mount", detail: "/proc", errno: 1)),
        .failed(SetupFailure(step: "execute", detail: "tool ü", errno: 2, isCommand: true)), .stopped,
        .limitReached(.wall), .limitReached(.cpu), .endedFromOutside, .killing,
        .exited(exit(status: 0x8b, neverExecuted: false)),
        .exited(exit(status: 9, neverExecuted: true)),
    ]

    private static func start(pid: Int, at usec: Int) -> Report.Start {
        var start = Report.Start()
        (start.pid, start.monotonicUsec, start.realtimeUsec) = (pid, usec, usec + 1)
        return start
    }

    private static func exit(status: Int, neverExecuted: Bool) -> Report.Exit {
        var exit = Report.Exit()
        (exit.waitStatus, exit.monotonicUsec, exit.realtimeUsec) = (status, 7, 1 << 53)
        (exit.maxRSSBytes, exit.voluntarySwitches, exit.involuntarySwitches) = (4096, 3, 0)
        exit.floorRSSBytes = 2048
        exit.neverExecuted = neverExecuted
        return exit
    }

    /// A frame of our own making around `body`.
    private func frame(_ body: [UInt8]) -> [UInt8] { withUnsafeBytes(of: body.count) { Array($0) } + body }

    private func number(_ value: Int) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }

    @Test(arguments: all) func `a report comes back as it was`(_ report: Report) {
        var buffer = report.encoded()
        #expect(Report.decode(from: &buffer) == [report])
        #expect(buffer.isEmpty)
    }

    @Test func `several reports come back in their order`() {
        var buffer = Self.all.flatMap { $0.encoded() }
        #expect(Report.decode(from: &buffer) == Self.all)
        #expect(buffer.isEmpty)
    }

    @Test func `nothing is no report`() {
        var buffer: [UInt8] = []
        #expect(Report.decode(from: &buffer).isEmpty)
    }

    /// A pipe gives what it has: a frame may come in any number of pieces.
    @Test func `a partial frame stays in the buffer until the rest comes`() {
        for report in Self.all {
            let bytes = report.encoded()
            for cut in bytes.indices {
                var buffer = Array(bytes[..<cut])
                #expect(Report.decode(from: &buffer).isEmpty)
                #expect(buffer == Array(bytes[..<cut]))
                buffer += bytes[cut...]
                #expect(Report.decode(from: &buffer) == [report])
            }
        }
    }

    @Test func `whole frames before a partial one are taken`() {
        let partial = Self.all[1].encoded().dropLast(3)
        var buffer = Self.all[0].encoded() + Self.all[3].encoded() + partial
        #expect(Report.decode(from: &buffer) == [Self.all[0], Self.all[3]])
        #expect(buffer == Array(partial))
    }

    @Test func `byte by byte everything arrives once`() {
        var buffer: [UInt8] = []
        var reports: [Report] = []
        for byte in Self.all.flatMap({ $0.encoded() }) {
            buffer.append(byte)
            reports += Report.decode(from: &buffer)
        }
        #expect(reports == Self.all)
    }

    @Test func `a frame shorter than its report is dropped, and the next is read`() {
        let body = Array(Self.all[0].encoded().dropFirst(8))
        for count in body.indices {
            var buffer = frame(Array(body[..<count])) + Self.all[5].encoded()
            #expect(Report.decode(from: &buffer) == [Self.all[5]], "\(count)")
        }
    }

    @Test func `a frame longer than its report is dropped`() {
        var buffer = frame(Array(Self.all[0].encoded().dropFirst(8)) + [0]) + Self.all[5].encoded()
        #expect(Report.decode(from: &buffer) == [Self.all[5]])
    }

    @Test(arguments: [-1, 5, 200, .max]) func `a kind that we do not know is no report`(_ kind: Int) {
        var buffer = frame(number(kind))
        #expect(Report.decode(from: &buffer).isEmpty)
        #expect(buffer.isEmpty)
    }

    @Test(arguments: [-1, 2, .max]) func `a time limit that we do not know is no report`(_ which: Int) {
        var buffer = frame(number(3) + number(which))
        #expect(Report.decode(from: &buffer).isEmpty)
    }

    /// A process that can open the file may have written any of them.
    @Test func `a number that cannot be is no report`() {
        for value in [Int.min, -1, 1 << 53 + 1, Int.max] {
            var start = Self.start(pid: 2, at: 10)
            start.pid = value
            var exits = [Self.exit(status: value, neverExecuted: false), Self.exit(status: 0, neverExecuted: false)]
            exits[1].monotonicUsec = value
            var birth = Report.Birth()
            birth.pid = value
            for report in [.started(start), .born(birth)] + exits.map({ Report.exited($0) }) {
                var (buffer, damaged) = (report.encoded(), 0)
                #expect(Report.decode(from: &buffer) { damaged += 1 }.isEmpty && damaged == 1, "\(report)")
            }
        }
    }

    @Test(arguments: [Int.max, Int.max - 7, -1, .min]) func `a length that cannot be is damage and does not crash`(
        _ length: Int
    ) {
        var (buffer, damages) = (number(length) + [1, 2, 3], 0)
        #expect(Report.decode(from: &buffer, onDamage: { damages += 1 }).isEmpty)
        #expect(buffer.isEmpty && damages == 1)
    }

    @Test func `no damage brings the decoder down`() {
        var random = SplitMix64(seed: 2)
        let bytes = Self.all.flatMap { $0.encoded() }
        for _ in 0..<2000 {
            var buffer = bytes
            for _ in 0..<3 {
                buffer[.random(in: buffer.indices, using: &random)] = .random(in: 0...255, using: &random)
            }
            #expect(Report.decode(from: &buffer).count <= Self.all.count)
        }
    }

    @Test func `orders and signals are different bytes`() {
        #expect(!Control.signals.contains(Control.terminate) && !Control.signals.contains(Control.kill))
        #expect(Control.terminate != Control.kill)
        #expect(Control.signals.contains(15) && Control.signals.contains(64))
    }
}

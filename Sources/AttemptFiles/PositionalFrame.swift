// SPDX-License-Identifier: Apache-2.0

/// Frames of before there were versions (up to 0.1.0 of November 2026), for jobs that ran through the upgrade: a length, then a
/// number for the kind and the fields in a fixed order, eight bytes each, a text with its length in front.
///
/// Frozen: it uses nothing that may change. Delete it when no machine can have such a job any more.
enum PositionalFrame {
    /// `nil` if it is none, or one whose numbers cannot be.
    static func report(in body: ArraySlice<UInt8>) -> Report? {
        var fields = Fields(rest: body)
        let report = report(&fields)
        return fields.rest.isEmpty ? report : nil
    }

    private static func report(_ fields: inout Fields) -> Report? {
        switch fields.number(in: 0...7) {
        case 0:
            guard let pid = fields.pid(), let outer = fields.pid(), let monotonic = fields.amount(),
                let realtime = fields.amount()
            else { return nil }
            var start = Report.Start()
            (start.pid, start.outerPid) = (pid, outer > 0 ? outer : nil)
            (start.monotonicUsec, start.realtimeUsec) = (monotonic, realtime)
            return .started(start)
        case 1:
            guard let step = fields.text(), let detail = fields.text(), let errno = fields.pid(),
                let isCommand = fields.number(in: 0...1)
            else { return nil }
            return .failed(
                SetupFailure(step: step, detail: detail, errno: CInt(errno), isCommand: isCommand == 1))
        case 2: return .stopped
        case 3: return fields.number(in: 0...1).flatMap { Report.TimeLimit(rawValue: $0) }.map { .limitReached($0) }
        case 4: return exit(&fields)
        case 5:
            guard let pid = fields.pid(), let ticks = fields.amount() else { return nil }
            var birth = Report.Birth()
            (birth.pid, birth.bootTicks) = (pid, ticks)
            // It knew pause and resume, and had no word for that.
            birth.vocabulary = 2
            return .born(birth)
        case 6: return .endedFromOutside
        case 7: return .killing
        default: return nil
        }
    }

    private static func exit(_ fields: inout Fields) -> Report? {
        guard let status = fields.number(in: 0...0xffff), let monotonic = fields.amount(),
            let realtime = fields.amount(), let maxRSS = fields.amount(), let floorRSS = fields.amount(),
            let cpu = fields.amount(), let suspended = fields.amount(), let voluntary = fields.amount(),
            let involuntary = fields.amount(), let neverExecuted = fields.number(in: 0...1),
            let terminated = fields.amount(), let killed = fields.amount()
        else { return nil }
        var exit = Report.Exit()
        (exit.waitStatus, exit.monotonicUsec, exit.realtimeUsec) = (status, monotonic, realtime)
        (exit.maxRSSBytes, exit.floorRSSBytes, exit.cpuUsec) = (maxRSS, floorRSS, cpu)
        (exit.suspendedUsec, exit.voluntarySwitches, exit.involuntarySwitches) = (suspended, voluntary, involuntary)
        (exit.neverExecuted, exit.terminated, exit.killed) = (neverExecuted == 1, terminated, killed)
        return .exited(exit)
    }

    private struct Fields {
        var rest: ArraySlice<UInt8>

        mutating func number(in range: ClosedRange<Int>) -> Int? {
            guard rest.count >= 8 else { return nil }
            let value = littleEndian(Int.self, rest, at: rest.startIndex)
            rest = rest.dropFirst(8)
            return range.contains(value) ? value : nil
        }

        mutating func pid() -> Int? { number(in: 0...Int(Int32.max)) }
        mutating func amount() -> Int? { number(in: 0...1 << 53) }

        mutating func text() -> String? {
            guard let length = number(in: 0...rest.count), rest.count >= length else { return nil }
            defer { rest = rest.dropFirst(length) }
            return String(decoding: rest.prefix(length), as: UTF8.self)
        }
    }
}

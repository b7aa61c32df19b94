// SPDX-License-Identifier: Apache-2.0

/// A report's frame: its kind and flags, two bytes each, the length of what follows, four bytes, and ``TaggedFields``.
///
/// Kinds and tags are never given another meaning. What a new one needs is in decision 018.
extension Report {
    static let frameHeaderBytes = 8
    /// The longest is a failed step with two texts.
    static let mostBytesOfFrame = 65536
    /// Set in the flags of a frame that a reader which does not know its kind may pass over.
    static let isOptional: UInt16 = 1

    /// The frame.
    package func encoded() -> [UInt8] {
        var fields = TaggedFields.writing()
        var copy = self
        copy.code(&fields)
        #if DEBUG
        if FileFormat.testVersion > 0 {
            var extra = "of a later version"
            fields.field(60000, &extra)
            return Self.frame(kind, fields.bytes) + Self.frame(60000, flags: Self.isOptional, fields.bytes)
        }
        #endif
        return Self.frame(kind, fields.bytes)
    }

    private static func frame(_ kind: UInt16, flags: UInt16 = 0, _ body: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(frameHeaderBytes + body.count)
        withUnsafeBytes(of: kind.littleEndian) { bytes += $0 }
        withUnsafeBytes(of: flags.littleEndian) { bytes += $0 }
        withUnsafeBytes(of: UInt32(body.count).littleEndian) { bytes += $0 }
        bytes += body
        return bytes
    }

    /// The report in a frame's fields, and why it is none; `nil` for a kind that this build does not know.
    static func decode(kind: UInt16, _ body: ArraySlice<UInt8>) -> (report: Report, damage: String?)? {
        guard var report = empty(kind) else { return nil }
        var fields = TaggedFields.reading(body)
        report.code(&fields)
        return (report, fields.damage)
    }

    /// Numbers of a process that is not jobs-init may be anything, and sums of them must not overflow.
    private static let pids = 0...Int(Int32.max)
    private static let amounts = 0...1 << 53

    private mutating func code(_ fields: inout TaggedFields) {
        switch self {
        case .born(var birth):
            fields.field(1, &birth.pid, in: Self.pids)
            fields.field(2, &birth.bootTicks, in: Self.amounts)
            var vocabulary: Int? = birth.vocabulary
            fields.field(3, &vocabulary, in: 1...255)
            birth.vocabulary = vocabulary ?? 1
            self = .born(birth)
        case .started(var start):
            fields.field(1, &start.pid, in: Self.pids)
            fields.field(2, &start.outerPid, in: Self.pids)
            fields.field(3, &start.monotonicUsec, in: Self.amounts)
            fields.field(4, &start.realtimeUsec, in: Self.amounts)
            self = .started(start)
        case .failed(var failure):
            var errno = Int(failure.errno)
            fields.field(1, &failure.step)
            fields.field(2, &failure.detail)
            fields.field(3, &errno, in: Self.pids)
            fields.field(4, &failure.isCommand)
            failure.errno = CInt(truncatingIfNeeded: errno)
            self = .failed(failure)
        case .limitReached(let limit):
            var which = limit.rawValue
            fields.field(1, &which, in: 0...1)
            self = .limitReached(TimeLimit(rawValue: which) ?? limit)
        case .exited(var exit):
            fields.field(1, &exit.waitStatus, in: 0...0xffff)
            fields.field(2, &exit.monotonicUsec, in: Self.amounts)
            fields.field(3, &exit.realtimeUsec, in: Self.amounts)
            fields.field(4, &exit.maxRSSBytes, in: Self.amounts)
            fields.field(5, &exit.floorRSSBytes, in: Self.amounts)
            fields.field(6, &exit.cpuUsec, in: Self.amounts)
            fields.field(7, &exit.suspendedUsec, in: Self.amounts)
            fields.field(8, &exit.voluntarySwitches, in: Self.amounts)
            fields.field(9, &exit.involuntarySwitches, in: Self.amounts)
            fields.field(10, &exit.neverExecuted)
            fields.field(11, &exit.terminated, in: Self.amounts)
            fields.field(12, &exit.killed, in: Self.amounts)
            self = .exited(exit)
        case .stopped, .endedFromOutside, .killing: break
        }
    }

    private var kind: UInt16 {
        switch self {
        case .born: 1
        case .started: 2
        case .failed: 3
        case .stopped: 4
        case .limitReached: 5
        case .exited: 6
        case .endedFromOutside: 7
        case .killing: 8
        }
    }

    /// A report of that kind, to be filled in.
    private static func empty(_ kind: UInt16) -> Report? {
        switch kind {
        case 1: .born(Birth())
        case 2: .started(Start())
        case 3: .failed(SetupFailure(step: "", detail: "", errno: 0))
        case 4: .stopped
        case 5: .limitReached(.wall)
        case 6: .exited(Exit())
        case 7: .endedFromOutside
        case 8: .killing
        default: nil
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// What jobs-init tells its supervisor, one frame after another on the report descriptor.
package enum Report: Hashable, Sendable {
    /// jobs-init of a queued job is there and waits for leave to start; the first frame. With it a daemon finds it again.
    case born(Birth)
    case started(Start)
    /// A step of the set-up failed; the command did not run.
    case failed(SetupFailure)
    case stopped
    case limitReached(TimeLimit)
    /// The main process has ended and nobody is left.
    case exited(Exit)
    /// Somebody who is not the daemon asked jobs-init of a queued job to end, as systemd does when the machine goes down.
    case endedFromOutside
    /// Everybody was sent SIGKILL; the end comes when the last of them is gone.
    case killing

    package enum TimeLimit: Int, Hashable, Sendable { case wall = 0, cpu = 1 }

    /// A process that can be told from a later one of the same pid.
    package struct Birth: Hashable, Sendable {
        package var pid = 0
        /// When it wrote this, as ``Clock/bootTicks``: to read its own start from `/proc` would cost a twentieth of the set-up.
        package var bootTicks = 0
        package init() {}
    }

    /// The command's birth, as close to its first instruction as can be told from outside.
    package struct Start: Hashable, Sendable {
        /// In jobs-init's PID namespace.
        package var pid = 0
        /// In the supervisor's, 0 if it cannot be told.
        package var outerPid = 0
        package var monotonicUsec = 0
        package var realtimeUsec = 0
        package init() {}
    }

    /// The end of the main process and what `wait4(2)` knows of all its descendants.
    package struct Exit: Hashable, Sendable {
        package var waitStatus = 0
        package var monotonicUsec = 0
        package var realtimeUsec = 0
        /// The largest resident set of any one descendant.
        package var maxRSSBytes = 0
        /// Our own when we made the command. The kernel carries it over an execve (`setmax_mm_hiwater_rss`), so a
        /// figure that is not above it says nothing about the job.
        package var floorRSSBytes = 0
        /// Of those descendants that were waited for, each by its parent.
        package var cpuUsec = 0
        /// Of the time between start and end.
        package var suspendedUsec = 0
        package var voluntarySwitches = 0
        package var involuntarySwitches = 0
        /// The main process was killed while it still was jobs-init's child, before its execve took effect.
        package var neverExecuted = false
        /// Processes that were left when the main one had ended and its linger was over, and were asked to end.
        package var terminated = 0
        /// Processes that were left after the grace period.
        package var killed = 0
        package init() {}
    }
}

/// A step of the set-up that failed, with what it was about.
package struct SetupFailure: Error, Hashable, Sendable {
    package var step: String
    package var detail: String
    package var errno: CInt
    /// The command itself could not be executed: the user's matter, not ours.
    package var isCommand = false

    package init(step: String, detail: String, errno: CInt, isCommand: Bool = false) {
        self.step = step
        self.detail = detail
        self.errno = errno
        self.isCommand = isCommand
    }
}

extension Report {
    /// The frame: a length, then the fields.
    package func encoded() -> [UInt8] {
        var body = Archive.writing()
        var copy = self
        copy.code(&body)
        var frame = Archive.writing()
        var bytes = body.bytes
        frame.field(&bytes)
        return frame.bytes
    }

    /// Takes complete frames off the front of `buffer` and leaves the rest.
    ///
    /// Behind a frame whose length is none, the rest of the buffer means nothing and is dropped.
    ///
    /// - Parameter onDamage: called for a frame that is no report of this build, or cannot be one.
    package static func decode(from buffer: inout [UInt8], onDamage: () -> Void = {}) -> [Report] {
        var reports: [Report] = []
        while buffer.count >= 8 {
            let length = buffer.withUnsafeBytes { $0.loadUnaligned(as: Int.self) }
            // The longest report is a failed step with a path in it.
            guard (0...65536).contains(length) else {
                onDamage()
                buffer = []
                break
            }
            guard buffer.count - 8 >= length else { break }
            var archive = Archive.reading(Array(buffer[8..<8 + length]))
            var report = Report.stopped
            report.code(&archive)
            if archive.isWhole { reports.append(report) } else { onDamage() }
            buffer.removeFirst(8 + length)
        }
        return reports
    }

    /// A process may have written to the report that is not jobs-init, and a number may not be more than can be reckoned with.
    private static let pids = 0...Int(Int32.max)
    private static let amounts = 0...1 << 53

    private mutating func code(_ a: inout Archive) {
        var kind = number
        a.field(&kind)
        switch kind {
        case 0:
            var start = if case .started(let value) = self { value } else { Start() }
            a.field(&start.pid, in: Self.pids)
            a.field(&start.outerPid, in: Self.pids)
            a.field(&start.monotonicUsec, in: Self.amounts)
            a.field(&start.realtimeUsec, in: Self.amounts)
            self = .started(start)
        case 1:
            var failure =
                if case .failed(let value) = self { value } else { SetupFailure(step: "", detail: "", errno: 0) }
            a.field(&failure.step)
            a.field(&failure.detail)
            a.field(&failure.errno)
            a.field(&failure.isCommand)
            self = .failed(failure)
        case 3:
            var which = if case .limitReached(let limit) = self { limit.rawValue } else { 0 }
            a.field(&which)
            guard let limit = TimeLimit(rawValue: which) else { return a.reject() }
            self = .limitReached(limit)
        case 4:
            var exit = if case .exited(let value) = self { value } else { Exit() }
            a.field(&exit.waitStatus, in: 0...0xffff)
            a.field(&exit.monotonicUsec, in: Self.amounts)
            a.field(&exit.realtimeUsec, in: Self.amounts)
            a.field(&exit.maxRSSBytes, in: Self.amounts)
            a.field(&exit.floorRSSBytes, in: Self.amounts)
            a.field(&exit.cpuUsec, in: Self.amounts)
            a.field(&exit.suspendedUsec, in: Self.amounts)
            a.field(&exit.voluntarySwitches, in: Self.amounts)
            a.field(&exit.involuntarySwitches, in: Self.amounts)
            a.field(&exit.neverExecuted)
            a.field(&exit.terminated, in: Self.amounts)
            a.field(&exit.killed, in: Self.amounts)
            self = .exited(exit)
        case 2: self = .stopped
        case 6: self = .endedFromOutside
        case 7: self = .killing
        case 5:
            var birth = if case .born(let value) = self { value } else { Birth() }
            a.field(&birth.pid, in: Self.pids)
            a.field(&birth.bootTicks, in: Self.amounts)
            self = .born(birth)
        default: a.reject()
        }
    }

    private var number: Int {
        switch self {
        case .started: 0
        case .failed: 1
        case .stopped: 2
        case .limitReached: 3
        case .exited: 4
        case .born: 5
        case .endedFromOutside: 6
        case .killing: 7
        }
    }
}

/// What the supervisor may say to jobs-init, a byte each. The end of the channel says that the supervisor is done or gone.
package enum Control {
    /// TERM to everyone, KILL after the grace period.
    package static let terminate: UInt8 = 200
    package static let kill: UInt8 = 201
    /// The account is closed: jobs-init of a queued job may go. Its channel is a FIFO that never ends.
    package static let leave: UInt8 = 202
    /// The job was frozen, or thawed: its wall-time limit stands still in between.
    package static let pause: UInt8 = 203
    package static let resume: UInt8 = 204
    /// A byte from 1 to 64 is a signal for the command's process group.
    package static let signals: ClosedRange<UInt8> = 1...64
}

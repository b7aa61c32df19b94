// SPDX-License-Identifier: Apache-2.0

/// A message of jobs-init to its supervisor, which may be a daemon of another version; a frame of the report.
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
    /// A process that is not the daemon asked jobs-init of a queued job to end, as systemd does when the machine goes down.
    case endedFromOutside
    /// Everybody was sent SIGKILL; the end comes when the last of them is gone.
    case killing

    package enum TimeLimit: Int, Hashable, Sendable { case wall = 0, cpu = 1 }

    /// A process that can be told from a later one of the same pid.
    package struct Birth: Hashable, Sendable {
        package var pid = 0
        /// When it wrote this, as `Clock.bootTicks`: to read its own start from `/proc` would cost a twentieth of the set-up.
        package var bootTicks = 0
        /// The highest ``Control/vocabulary`` that this jobs-init understands.
        package var vocabulary = 1
        package init() {}
    }

    /// The command's birth, as close to its first instruction as can be told from outside.
    package struct Start: Hashable, Sendable {
        /// In jobs-init's PID namespace.
        package var pid = 0
        /// In the supervisor's, `nil` if it cannot be told.
        package var outerPid: Int?
        package var monotonicUsec = 0
        package var realtimeUsec = 0
        package init() {}
    }

    /// The end of the main process and what `wait4(2)` knows of all its descendants; a figure is `nil` if the writer, of another
    /// version, does not tell it.
    package struct Exit: Hashable, Sendable {
        package var waitStatus = 0
        package var monotonicUsec = 0
        package var realtimeUsec = 0
        /// The largest resident set of any one descendant.
        package var maxRSSBytes: Int?
        /// Our own when we made the command. The kernel carries it over an execve (`setmax_mm_hiwater_rss`), so a
        /// figure that is not above it says nothing about the job.
        package var floorRSSBytes: Int?
        /// Of those descendants that were waited for, each by its parent.
        package var cpuUsec: Int?
        /// Of the time between start and end.
        package var suspendedUsec: Int?
        package var voluntarySwitches: Int?
        package var involuntarySwitches: Int?
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

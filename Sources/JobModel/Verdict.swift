// SPDX-License-Identifier: Apache-2.0

/// Where a job or an attempt stands.
public enum JobState: String, Hashable, Sendable, CaseIterable, Codable {
    case pending, held, running, suspended
    case completed, failed
    case outOfMemory = "out-of-memory"
    case timeout, cancelled, lost, skipped
}

/// Why an attempt ended the way it did.
public enum Cause: String, Hashable, Sendable, CaseIterable, Codable {
    /// Exit status 0.
    case success
    /// The command exited with a status other than 0.
    case exitStatus = "exit-status"
    /// A signal that neither we nor an OOM killer sent.
    case signal
    /// An OOM kill because the job reached its own memory limit.
    case ownLimit = "own-limit"
    /// An OOM kill because a cgroup above the job reached its limit.
    case ancestorLimit = "ancestor-limit"
    /// An OOM kill because the whole machine ran out of memory.
    case system
    case wallTime = "wall-time"
    case cpuTime = "cpu-time"
    /// Somebody pressed Ctrl-C.
    case interrupted
    /// Somebody asked the job to end.
    case cancelled
    /// The command does not exist or may not be executed.
    case notExecutable = "not-executable"
    /// We could not build what the job asked for; the command did not run.
    case setup
    /// jobs-init ended without a report, so nobody saw the command's end.
    case supervisorLost = "supervisor-lost"
}

/// How the main process ended; exactly one of the two, none if it never started.
public struct ExitStatus: Hashable, Sendable {
    public var code: Int?
    public var signal: Int?

    public init(code: Int? = nil, signal: Int? = nil) {
        self.code = code
        self.signal = signal
    }

    /// Decodes a status of `wait(2)`.
    public init(waitStatus status: Int32) {
        let signal = status & 0x7f
        self = signal == 0 ? Self(code: Int((status >> 8) & 0xff)) : Self(signal: Int(signal))
    }
}

/// Why an attempt ended: a state, its cause, the main process's own exit and one sentence with the figures that prove it.
public struct Verdict: Hashable, Sendable {
    public var state: JobState
    public var cause: Cause
    public var exit: ExitStatus
    public var message: String

    public init(state: JobState, cause: Cause, exit: ExitStatus, message: String) {
        self.state = state
        self.cause = cause
        self.exit = exit
        self.message = message
    }

    /// The exit code of `run`, `wait` and `submit --wait` (DESIGN 4.2).
    public var processExitCode: Int32 {
        switch (state, cause) {
        case (.outOfMemory, _): 137
        case (.timeout, _): 124
        case (_, .setup), (.lost, _): 125
        case (_, .notExecutable): Int32(exit.code ?? 127)
        case (.cancelled, .interrupted): 130
        case (.cancelled, _): 143
        default: Int32(exit.code ?? (exit.signal.map { 128 + $0 } ?? 125))
        }
    }
}

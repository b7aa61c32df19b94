// SPDX-License-Identifier: Apache-2.0
import SystemPackage

/// Why the daemon did not give what was asked for.
public enum ClientError: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no connection to the socket.
    case cannotConnect(socket: String, Errno)
    /// The daemon's answer is an error: HTTP status, and its sentence for people.
    case refused(status: Int, message: String)
    /// The connection ended before the answer did.
    case broken(String)
    /// The answer cannot be read.
    case unintelligible(String)

    /// `true` if no daemon is there, so that one can be started: no socket, or one that a dead daemon left.
    public var nobodyListens: Bool {
        guard case .cannotConnect(_, let error) = self else { return false }
        return error == .noSuchFileOrDirectory || error == .connectionRefused
    }

    /// `true` if there was a daemon, and then there was none: it may have done what was asked for, or not.
    public var isLoss: Bool { if case .broken = self { true } else { false } }

    public var description: String {
        switch self {
        case .cannotConnect(let socket, _) where nobodyListens:
            "no jobsd runs (nobody listens at \(socket)); `jobs submit` starts one, or run `jobsd` yourself"
        case .cannotConnect(let socket, .permissionDenied):
            "you may not connect to \(socket): it belongs to another user's jobsd; unset JOBS_RUNTIME_DIR to use your own"
        case .cannotConnect(let socket, let error): "cannot connect to jobsd at \(socket): \(error)"
        case .refused(_, let message): message
        case .broken(let what):
            "the connection to jobsd broke: \(what); see whether it still runs with `jobs status`. Jobs go on without it"
        case .unintelligible(let what): "jobsd's answer cannot be read: \(what)"
        }
    }

    /// The CLI's exit code, from sysexits.h: what scripts can tell apart.
    public var exitCode: Int32 {
        switch self {
        case .cannotConnect(_, .permissionDenied), .refused(status: 403, _): 77
        case .cannotConnect, .broken: 69
        case .refused(status: 400, _), .refused(status: 413, _): 65
        case .refused(status: 503, _), .refused(status: 429, _): 75
        case .refused: 1
        case .unintelligible: 76
        }
    }
}

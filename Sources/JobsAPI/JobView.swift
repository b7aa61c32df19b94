// SPDX-License-Identifier: Apache-2.0
import JobModel

/// A job as everybody may see it: an entry of `GET /v1/jobs`. Times are RFC 3339 in UTC, quantities plain integers.
public struct JobView: Sendable, Hashable {
    public var id: Int
    public var name: String
    public var owner: String
    public var state: JobState
    /// Why it waits, in a sentence with figures, while it is pending or held; what people should know of it while it runs.
    public var reason: String?
    /// Why the last attempt ended.
    public var cause: Cause?
    /// The sentence of the last attempt's verdict.
    public var message: String?
    public var group: String
    public var priority: Int
    /// `ok:41,any:prepare`
    public var after: String?
    public var arrayID: Int?
    public var arrayIndex: Int?
    /// The number of the newest attempt, 0 before the first.
    public var attempt: Int
    /// How many attempts there may be.
    public var attemptsMax: Int
    /// The command on one line; the owner and root see it, others `nil`.
    public var command: String?
    public var submittedAt: String
    /// Not before this moment.
    public var begin: String?
    public var startedAt: String?
    public var endedAt: String?
    public var memoryLimitBytes: Int?
    /// What admission counts.
    public var memoryRequestBytes: Int?
    public var cpus: Double?
    /// Of a running attempt, at the moment of the answer.
    public var memoryCurrentBytes: Int?
    /// Of the newest attempt that ended.
    public var memoryPeakBytes: Int?
    public var cpuUsageUsec: Int?
    public var wallTimeUsec: Int?
    public var exitCode: Int?
    public var exitSignal: Int?
    /// The exit code of `wait` and `submit --wait`; `nil` while it lives.
    public var processExitCode: Int?

    public init(
        id: Int, name: String, owner: String, state: JobState, group: String, priority: Int, attempt: Int,
        attemptsMax: Int, submittedAt: String
    ) {
        self.id = id
        self.name = name
        self.owner = owner
        self.state = state
        self.group = group
        self.priority = priority
        self.attempt = attempt
        self.attemptsMax = attemptsMax
        self.submittedAt = submittedAt
    }

    /// The keys on the wire, in their order.
    public static let keys: [String] =
        JobView(
            id: 0, name: "", owner: "", state: .pending, group: "", priority: 0, attempt: 0, attemptsMax: 0,
            submittedAt: ""
        ).json.objectValue?.map(\.key) ?? []
}

extension JobView {
    /// With every key in its order, `null` where there is nothing.
    public var json: JSON {
        .object([
            "id": .int(id), "name": .string(name), "owner": .string(owner), "state": .string(state.rawValue),
            "reason": .string(reason), "cause": .string(cause?.rawValue), "message": .string(message),
            "group": .string(group), "priority": .int(priority), "after": .string(after), "array_id": .int(arrayID),
            "array_index": .int(arrayIndex), "attempt": .int(attempt), "attempts_max": .int(attemptsMax),
            "command": .string(command), "submitted_at": .string(submittedAt), "begin": .string(begin),
            "started_at": .string(startedAt), "ended_at": .string(endedAt),
            "memory_limit_bytes": .int(memoryLimitBytes), "memory_request_bytes": .int(memoryRequestBytes),
            "cpus": cpus.map { .number($0) } ?? .null, "memory_current_bytes": .int(memoryCurrentBytes),
            "memory_peak_bytes": .int(memoryPeakBytes),
            "cpu_usage_usec": .int(cpuUsageUsec), "wall_time_usec": .int(wallTimeUsec), "exit_code": .int(exitCode),
            "exit_signal": .int(exitSignal), "process_exit_code": .int(processExitCode),
        ])
    }
}

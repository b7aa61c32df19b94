// SPDX-License-Identifier: Apache-2.0
import JobModel

/// An answer that is JSON but not what was asked for: mostly a daemon of another version.
public struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String

    public init(_ type: String, lacks key: String) {
        description = "the answer is no \(type): '\(key)' is missing or not as expected; is jobsd of another version?"
    }
}

/// A value of the wire that can be read from JSON; keys it does not know are passed over.
public protocol JSONReadable {
    init(json: JSON) throws(WireError)
}

/// Reads the keys of one object.
private struct Keys {
    let json: JSON
    let type: String

    /// A dictionary, because a list of 10,000 jobs has 300,000 keys to look up.
    private let values: [String: JSON]

    init(_ json: JSON, _ type: String) {
        self.json = json
        self.type = type
        values = Dictionary((json.objectValue ?? []).map { ($0.key, $0.value) }) { first, _ in first }
    }

    subscript(key: String) -> JSON? { values[key] }

    func int(_ key: String) throws(WireError) -> Int { try need(values[key]?.intValue, key) }
    func string(_ key: String) throws(WireError) -> String { try need(values[key]?.stringValue, key) }
    func state() throws(WireError) -> JobState {
        try need(values["state"]?.stringValue.flatMap { JobState(rawValue: $0) }, "state")
    }

    func need<T>(_ value: T?, _ key: String) throws(WireError) -> T {
        guard let value else { throw WireError(type, lacks: key) }
        return value
    }
}

extension JobView: JSONReadable {
    public init(json: JSON) throws(WireError) {
        let keys = Keys(json, "job")
        self.init(
            id: try keys.int("id"), name: try keys.string("name"), owner: try keys.string("owner"),
            state: try keys.state(), group: keys["group"]?.stringValue ?? Scheduling.defaultGroup,
            priority: keys["priority"]?.intValue ?? 0, attempt: keys["attempt"]?.intValue ?? 0,
            attemptsMax: keys["attempts_max"]?.intValue ?? 1, submittedAt: try keys.string("submitted_at"))
        reason = keys["reason"]?.stringValue
        cause = keys["cause"]?.stringValue.flatMap { Cause(rawValue: $0) }
        message = keys["message"]?.stringValue
        after = keys["after"]?.stringValue
        arrayID = keys["array_id"]?.intValue
        arrayIndex = keys["array_index"]?.intValue
        command = keys["command"]?.stringValue
        begin = keys["begin"]?.stringValue
        startedAt = keys["started_at"]?.stringValue
        endedAt = keys["ended_at"]?.stringValue
        memoryLimitBytes = keys["memory_limit_bytes"]?.intValue
        memoryRequestBytes = keys["memory_request_bytes"]?.intValue
        cpus = keys["cpus"]?.doubleValue
        memoryCurrentBytes = keys["memory_current_bytes"]?.intValue
        memoryPeakBytes = keys["memory_peak_bytes"]?.intValue
        cpuUsageUsec = keys["cpu_usage_usec"]?.intValue
        wallTimeUsec = keys["wall_time_usec"]?.intValue
        exitCode = keys["exit_code"]?.intValue
        exitSignal = keys["exit_signal"]?.intValue
        processExitCode = keys["process_exit_code"]?.intValue
    }
}

extension Submitted: JSONReadable {
    public init(json: JSON) throws(WireError) {
        let keys = Keys(json, "answer to a submission")
        self.init(
            id: try keys.int("id"), count: try keys.int("count"),
            notices: keys["notices"]?.arrayValue?.compactMap(\.stringValue) ?? [])
    }
}

extension VerbOutcome: JSONReadable {
    public init(json: JSON) throws(WireError) {
        let keys = Keys(json, "answer to a verb")
        self.init()
        changed = try keys.string("changed")
        changedCount = try keys.int("changed_count")
        ending = try keys.string("ending")
        endingCount = try keys.int("ending_count")
        for entry in keys["refused"]?.arrayValue ?? [] {
            let keys = Keys(entry, "refusal")
            refused.append(Refusal(status: try keys.int("status"), message: try keys.string("error")))
        }
        refusedCount = try keys.int("refused_count")
    }
}

extension StateChange: JSONReadable {
    public init(json: JSON) throws(WireError) {
        let keys = Keys(json, "change of state")
        self.init(
            job: try keys.int("job"), at: try keys.string("at"), state: try keys.state(),
            cause: keys["cause"]?.stringValue, attempt: keys["attempt"]?.intValue, detail: keys["detail"]?.stringValue)
    }
}

extension CountsView: JSONReadable {
    public init(json: JSON) throws(WireError) {
        let keys = Keys(json, "count of jobs")
        self.init()
        live = Self.states(keys["live"])
        ended = keys["ended"]?.intValue ?? 0
        draining = keys["draining"]?.boolValue ?? false
        for entry in keys["arrays"]?.arrayValue ?? [] {
            let keys = Keys(entry, "count of an array")
            var totals = ArrayTotals(
                id: try keys.int("id"), lastID: try keys.int("last_id"), firstIndex: try keys.int("first_index"),
                lastIndex: try keys.int("last_index"))
            totals.states = Self.states(keys["states"])
            arrays.append(totals)
        }
    }

    private static func states(_ json: JSON?) -> [JobState: Int] {
        var states: [JobState: Int] = [:]
        for member in json?.objectValue ?? [] {
            if let state = JobState(rawValue: member.key) { states[state] = member.value.intValue }
        }
        return states
    }
}

extension DaemonView: JSONReadable {
    public init(json: JSON) throws(WireError) {
        let keys = Keys(json, "daemon")
        var groups: [Group] = []
        for group in keys["groups"]?.arrayValue ?? [] {
            let keys = Keys(group, "group")
            groups.append(
                Group(
                    name: try keys.string("name"), parallel: keys["parallel"]?.intValue,
                    running: keys["running"]?.intValue ?? 0,
                    pending: keys["pending"]?.intValue ?? 0))
        }
        self.init(
            version: try keys.string("version"), pid: try keys.int("pid"),
            stateDirectory: try keys.string("state_directory"), draining: keys["draining"]?.boolValue ?? false,
            strictGroups: keys["strict_groups"]?.boolValue ?? false,
            memoryTotalBytes: try keys.int("memory_total_bytes"), memoryFreeBytes: try keys.int("memory_free_bytes"),
            cpusTotal: try keys.need(keys["cpus_total"]?.doubleValue, "cpus_total"),
            cpusFree: try keys.need(keys["cpus_free"]?.doubleValue, "cpus_free"), running: try keys.int("running"),
            pending: try keys.int("pending"), groups: groups)
    }
}

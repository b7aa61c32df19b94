// SPDX-License-Identifier: Apache-2.0
import GRDB
import JobModel

/// Rows are read by position, which costs half of what names do; the columns are listed once, beside their use.
extension StoredJob {
    private static let names = [
        "id", "name", "owner_uid", "owner_gid", "owner_name", "command", "array_id", "array_index", "array_parallel",
        "group_name", "priority", "begin_usec", "dependency", "memory_request_bytes", "cpus_request_milli",
        "memory_limit_bytes", "wall_time_limit_usec", "attempts_max", "submitted_usec", "state", "reason", "attempt",
        "started_usec", "ended_usec", "cause", "message", "exit_code", "exit_signal", "memory_peak_bytes",
        "cpu_usage_usec", "wall_time_usec", "text_bytes",
    ]
    static let columns = names.joined(separator: ", ")

    /// A row with a damaged cell becomes a job that can be seen and cancelled and never runs: what could be read of it,
    /// owned by nobody where the owner could not.
    init(_ row: Row) {
        var cells = Cells(row, of: "jobs", Self.names)
        let (bytes, most, ids) = (0...ByteCount.largest.bytes, 0...Int.max, 0...Int(UInt32.max))
        self.init(
            id: cells.number(0) ?? 0, name: cells.line(1) ?? "?",
            owner: Owner(
                uid: cells.number(2, in: ids).map { UInt32($0) } ?? .max,
                gid: cells.number(3, in: ids).map { UInt32($0) } ?? .max, name: cells.line(4) ?? "?"),
            command: cells.line(5) ?? "?",
            submittedAt: cells.needed(18) { $0.moment(18) } ?? Timestamp(microsecondsSinceEpoch: 0))
        if let arrayID = cells.integer(6, in: most), let index = cells.integer(7, in: most) {
            array = ArrayPlace(id: arrayID, index: index, parallel: cells.integer(8, in: most))
        }
        group = cells.line(9) ?? "?"
        priority = cells.number(10, in: Scheduling.priorities) ?? 0
        begin = cells.moment(11)
        if let text = cells.text(12) {
            dependency = try? Dependency(parsing: text)
            if dependency == nil { cells.note(12, "has the value '\(text.prefix(40))', which means nothing") }
        }
        memoryRequestBytes = cells.integer(13, in: bytes)
        cpusRequest = cells.integer(14, in: CPUCount.countable).map { CPUCount(milli: $0) }
        memoryLimitBytes = cells.integer(15, in: bytes)
        wallTimeLimitUsec = cells.integer(16, in: most)
        attemptsMax = cells.number(17, in: Self.attemptNumbers) ?? 1
        reason = cells.text(20)
        startedAt = cells.moment(22)
        cause = cells.word(24)
        message = cells.text(25)
        exit = ExitStatus(
            code: cells.integer(26, in: Self.exitCodes), signal: cells.integer(27, in: Self.exitCodes))
        figures = AttemptFigures(
            memoryPeakBytes: cells.integer(28, in: most), cpuUsageUsec: cells.integer(29, in: most),
            wallTimeUsec: cells.integer(30, in: most))
        textBytes = cells.number(31, in: bytes) ?? 0
        (state, attempt, endedAt) = Self.standing(&cells, state: 19, attempt: 21, ended: 23)
        guard !cells.damage.isEmpty else { return }
        damage = "its row in the store is damaged: " + cells.damage.map(\.description).joined(separator: ", ")
        if state == .pending { state = .held }
        if state == .held { reason = damage }
    }

    static let attemptNumbers = 0...1_000_000
    static let exitCodes = Int(Int32.min)...Int(Int32.max)

    /// Where a job stands, from three cells that must agree. Held, if they do not: nobody knows whether it may start.
    static func standing(
        _ cells: inout Cells, state stateIndex: Int, attempt attemptIndex: Int, ended endedIndex: Int
    ) -> (state: JobState, attempt: Int, endedAt: Timestamp?) {
        let state: JobState? = cells.needed(stateIndex) { $0.word(stateIndex) }
        let attempt = cells.number(attemptIndex, in: attemptNumbers)
        let before = cells.damage.count
        let endedAt = cells.moment(endedIndex)
        guard let state else { return (.held, attempt ?? 0, nil) }
        if state.isFinal != (endedAt != nil) {
            if cells.damage.count == before {
                cells.note(endedIndex, "is \(endedAt == nil ? "NULL" : "set") although the job is \(state.rawValue)")
            }
            return (.held, attempt ?? 0, nil)
        }
        if attempt ?? 0 == 0, state == .running || state == .suspended {
            if attempt != nil { cells.note(attemptIndex, "is 0 although the job is \(state.rawValue)") }
            return (.held, attempt ?? 0, nil)
        }
        return (state, attempt ?? 0, endedAt)
    }
}

extension JobDocument {
    private static let names = ["spec", "context"]
    static let columns = names.joined(separator: ", ")

    init(_ row: Row) throws(UnreadableCell) {
        var cells = Cells(row, of: "documents", Self.names)
        self.init(spec: cells.line(0) ?? "", context: cells.line(1) ?? "")
        try cells.check()
    }
}

extension StoredAttempt {
    private static let names = [
        "job_id", "number", "boot_id", "place", "started_usec", "ended_usec", "state", "cause", "message", "exit_code",
        "exit_signal", "memory_peak_bytes", "cpu_usage_usec", "wall_time_usec", "record", "output_bytes",
    ]
    static let columns = names.joined(separator: ", ")

    init(_ row: Row) throws(UnreadableCell) {
        var cells = Cells(row, of: "attempts", Self.names)
        self.init(
            job: cells.number(0) ?? 0, number: cells.number(1, in: StoredJob.attemptNumbers) ?? 0,
            bootID: cells.line(2) ?? "", place: cells.line(3) ?? "",
            startedAt: cells.needed(4) { $0.moment(4) } ?? Timestamp(microsecondsSinceEpoch: 0),
            endedAt: cells.moment(5))
        if endedAt != nil {
            let state: JobState? = cells.needed(6) { $0.word(6) }
            let cause: Cause? = cells.needed(7) { $0.word(7) }
            let exit = ExitStatus(
                code: cells.integer(9, in: StoredJob.exitCodes), signal: cells.integer(10, in: StoredJob.exitCodes))
            if let state, let cause {
                verdict = Verdict(state: state, cause: cause, exit: exit, message: cells.text(8) ?? "")
            }
            let most = 0...Int.max
            figures = AttemptFigures(
                memoryPeakBytes: cells.integer(11, in: most), cpuUsageUsec: cells.integer(12, in: most),
                wallTimeUsec: cells.integer(13, in: most), outputBytes: cells.integer(15, in: most))
            record = cells.text(14)
        }
        try cells.check()
    }
}

extension HistoryEntry {
    private static let names = ["seq", "at_usec", "state", "cause", "attempt", "detail"]
    static let columns = names.joined(separator: ", ")

    init(_ row: Row) throws(UnreadableCell) {
        var cells = Cells(row, of: "changes", Self.names)
        let state: JobState? = cells.needed(2) { $0.word(2) }
        self.init(
            sequence: cells.number(0) ?? 0,
            at: cells.needed(1) { $0.moment(1) } ?? Timestamp(microsecondsSinceEpoch: 0), state: state ?? .held,
            cause: cells.word(3), attempt: cells.integer(4, in: StoredJob.attemptNumbers), detail: cells.text(5))
        try cells.check()
    }
}

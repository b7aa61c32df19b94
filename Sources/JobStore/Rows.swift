// SPDX-License-Identifier: Apache-2.0
import GRDB
import JobModel

/// A row that this version cannot have written.
struct UnreadableRow: Error, CustomStringConvertible {
    /// With its table.
    var column: String
    var value: String

    var description: String { "\(column) has the value '\(value)', which means nothing" }
}

/// Rows are read by position, which costs half of what names do; the columns are listed once, beside their use.
extension StoredJob {
    static let columns = """
        id, name, owner_uid, owner_gid, owner_name, command, array_id, array_index, array_parallel, group_name, priority, \
        begin_usec, dependency, memory_request_bytes, cpus_request_milli, memory_limit_bytes, wall_time_limit_usec, \
        attempts_max, submitted_usec, state, reason, attempt, started_usec, ended_usec, cause, message, \
        exit_code, exit_signal, memory_peak_bytes, cpu_usage_usec, wall_time_usec
        """

    init(_ row: Row) throws {
        self.init(
            id: row[0], name: row[1], owner: Owner(uid: row[2], gid: row[3], name: row[4]), command: row[5],
            submittedAt: Timestamp(microsecondsSinceEpoch: row[18]),
            state: try row.word(19, "jobs.state"))
        if let arrayID = row[6] as Int?, let index = row[7] as Int? {
            array = ArrayPlace(id: arrayID, index: index, parallel: row[8])
        }
        group = row[9]
        priority = row[10]
        begin = row.moment(11)
        dependency = try (row[12] as String?).map { text throws(UnreadableRow) in try Dependency(column: text) }
        memoryRequestBytes = row[13]
        cpusRequest = (row[14] as Int?).map { CPUCount(milli: $0) }
        memoryLimitBytes = row[15]
        wallTimeLimitUsec = row[16]
        attemptsMax = row[17]
        reason = row[20]
        attempt = row[21]
        startedAt = row.moment(22)
        endedAt = row.moment(23)
        cause = try row.wordIfPresent(24, "jobs.cause")
        message = row[25]
        exit = ExitStatus(code: row[26], signal: row[27])
        figures = AttemptFigures(memoryPeakBytes: row[28], cpuUsageUsec: row[29], wallTimeUsec: row[30])
    }
}

extension StoredAttempt {
    static let columns = """
        job_id, number, boot_id, place, started_usec, ended_usec, state, cause, message, exit_code, exit_signal, \
        memory_peak_bytes, cpu_usage_usec, wall_time_usec, record, output_bytes
        """

    init(_ row: Row) throws {
        self.init(
            job: row[0], number: row[1], bootID: row[2], place: row[3],
            startedAt: Timestamp(microsecondsSinceEpoch: row[4]), endedAt: row.moment(5))
        guard endedAt != nil else { return }
        verdict = Verdict(
            state: try row.word(6, "attempts.state"), cause: try row.word(7, "attempts.cause"),
            exit: ExitStatus(code: row[9], signal: row[10]), message: row[8] ?? "")
        figures = AttemptFigures(
            memoryPeakBytes: row[11], cpuUsageUsec: row[12], wallTimeUsec: row[13], outputBytes: row[15])
        record = row[14]
    }
}

extension HistoryEntry {
    static let columns = "seq, at_usec, state, cause, attempt, detail"

    init(_ row: Row) throws {
        self.init(
            sequence: row[0], at: Timestamp(microsecondsSinceEpoch: row[1]), state: try row.word(2, "changes.state"),
            cause: try row.wordIfPresent(3, "changes.cause"), attempt: row[4], detail: row[5])
    }
}

extension Row {
    fileprivate func moment(_ index: Int) -> Timestamp? {
        (self[index] as Int?).map { Timestamp(microsecondsSinceEpoch: $0) }
    }

    fileprivate func word<Word: RawRepresentable<String>>(_ index: Int, _ column: String) throws -> Word {
        guard let word: Word = try wordIfPresent(index, column) else {
            throw UnreadableRow(column: column, value: "NULL")
        }
        return word
    }

    fileprivate func wordIfPresent<Word: RawRepresentable<String>>(_ index: Int, _ column: String) throws -> Word? {
        guard let text = self[index] as String? else { return nil }
        guard let word = Word(rawValue: text) else { throw UnreadableRow(column: column, value: text) }
        return word
    }
}

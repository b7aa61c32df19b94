// SPDX-License-Identifier: Apache-2.0
import GRDB
import JobModel

/// Turns the changes of one call into rows, inside a transaction that somebody else commits or rolls back.
///
/// What a change says is checked against the rows first: a ``Violation`` is thrown before or after rows were written, so
/// whoever calls this undoes the whole call.
struct ChangeWriter {
    private let db: Database
    /// The document of the call's last submission, which the next job of an array shares.
    private var document: (content: JobDocument, id: Int64)?
    /// The result of ``nextID(_:)`` after the call's last submission: to ask for it is a tenth of what an array costs.
    private var nextID: Int?

    init(_ db: Database) { self.db = db }

    /// Writes changes in their order.
    mutating func write(_ changes: [Change]) throws {
        var rest = changes[...]
        while let change = rest.popFirst() {
            try write(change)
            // The others of an array follow its first.
            guard case .submitted(let first, let document) = change, first.array != nil else { continue }
            var indices: [Int] = []
            while let index = rest.first?.index(of: first.id + indices.count + 1, like: first, document) {
                indices.append(index)
                rest.removeFirst()
            }
            if !indices.isEmpty { try submit(indices, after: first) }
        }
    }

    private mutating func write(_ change: Change) throws {
        switch change {
        case .submitted(let job, let document): try submit(job, document)
        case .keyed(let submission): try remember(submission)
        case .attemptStarted(let job, let number, let bootID, let place, let at):
            try start(job, number, bootID, place, at)
        case .attemptPlaced(let job, let number, let place): try self.place(job, number, place)
        case .attemptEnded(let job, let number, let verdict, let figures, let record, let at):
            try end(job, number, verdict, figures, record, at)
        case .changed(let job, let state, let cause, let detail, let at):
            try self.change(job, state, cause, detail, at)
        case .updated(let job, let fields, let detail, let at):
            let state = try now(job).state
            for field in fields { try update(job, field) }
            if let detail { try note(job, at, state, nil, nil, detail) }
        case .removed(let job):
            try check(job, .removed)
            try run("DELETE FROM jobs WHERE id = ?", [job])
        }
    }

    // MARK: Changes

    private mutating func submit(_ job: StoredJob, _ content: JobDocument) throws {
        let next = try nextID ?? Self.nextID(db)
        guard job.id >= next else { throw Violation.usedID(job.id, next: next) }
        guard job.state == .pending || job.state == .held else {
            throw Violation.impossible(job: job.id, .changed(job.state), in: .pending)
        }
        let dependency = try job.dependency?.text(of: job.id)
        if document?.content != content {
            try run("INSERT INTO documents (spec, context) VALUES (?, ?)", [content.spec, content.context])
            document = (content, db.lastInsertedRowID)
        }
        try run(
            "INSERT INTO jobs (\(Self.submitted)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                job.id, job.name, job.owner.uid, job.owner.gid, job.owner.name, job.command,
                job.array?.id, job.array?.index, job.array?.parallel,
                job.group, job.priority, job.begin?.microsecondsSinceEpoch, dependency,
                job.memoryRequestBytes, job.cpusRequest?.milli, job.memoryLimitBytes, job.wallTimeLimitUsec,
                job.attemptsMax, job.submittedAt.microsecondsSinceEpoch, job.state.rawValue, job.reason, document?.id,
                job.textBytes,
            ])
        nextID = job.id + 1
        try note(job.id, job.submittedAt, job.state, nil, nil, job.reason)
    }

    /// The keys that are too old or too many leave first, so that one of them can be used again.
    private func remember(_ submission: KeyedSubmission) throws {
        let (key, usec) = (submission.key, submission.at.microsecondsSinceEpoch)
        try run("DELETE FROM submission_keys WHERE at_usec < ?", [usec - KeyedSubmission.lifetimeUsec])
        try run(
            """
            DELETE FROM submission_keys WHERE owner_uid = ?
            AND number <= (SELECT max(number) FROM submission_keys WHERE owner_uid = ?) - ?
            """, [key.owner, key.owner, KeyedSubmission.most - 1])
        try run(
            """
            INSERT INTO submission_keys (owner_uid, key, number, at_usec, fingerprint, answer)
            SELECT ?, ?, coalesce(max(number), 0) + 1, ?, ?, ? FROM submission_keys WHERE owner_uid = ?
            """, [key.owner, key.text, usec, submission.fingerprint, submission.answer, key.owner])
    }

    /// Copies the row of an array's first job: by one statement, since a hundred thousand would hold up all who read for
    /// seconds.
    private mutating func submit(_ indices: [Int], after first: StoredJob) throws {
        let last = first.id + indices.count
        let copied = Self.submitted.replacing("array_index", with: "value").replacing("id, name", with: "? + key, name")
        try run(
            "INSERT INTO jobs (\(Self.submitted)) SELECT \(copied) FROM jobs, json_each(?) WHERE jobs.id = ? ORDER BY key",
            [first.id + 1, "\(indices)", first.id])
        try run(
            """
            INSERT INTO changes (job_id, at_usec, state, cause, attempt, detail)
            SELECT id, submitted_usec, state, NULL, NULL, reason FROM jobs WHERE id BETWEEN ? AND ? ORDER BY id
            """, [first.id + 1, last])
        nextID = last + 1
    }

    /// The columns of a job that was just submitted.
    private static let submitted = """
        id, name, owner_uid, owner_gid, owner_name, command, array_id, array_index, array_parallel,
        group_name, priority, begin_usec, dependency, memory_request_bytes, cpus_request_milli,
        memory_limit_bytes, wall_time_limit_usec, attempts_max, submitted_usec, state, reason, document_id,
        text_bytes
        """

    private func start(_ job: Int, _ number: Int, _ bootID: String, _ place: String, _ at: Timestamp) throws {
        let (state, attempt) = try check(job, .started)
        guard number == attempt + 1 else {
            throw Violation.wrongAttempt(job: job, number: number, expected: attempt + 1)
        }
        let usec = at.microsecondsSinceEpoch
        try run(
            "INSERT INTO attempts (job_id, number, boot_id, place, started_usec) VALUES (?, ?, ?, ?, ?)",
            [job, number, bootID, place, usec])
        try run(
            "UPDATE jobs SET state = ?, reason = NULL, attempt = ?, started_usec = ? WHERE id = ?",
            [state.rawValue, number, usec, job])
        try note(job, at, state, nil, number, nil)
    }

    private func place(_ job: Int, _ number: Int, _ place: String) throws {
        try run(
            "UPDATE attempts SET place = ? WHERE job_id = ? AND number = ? AND ended_usec IS NULL",
            [place, job, number])
        guard db.changesCount == 1 else {
            throw Violation.wrongAttempt(job: job, number: number, expected: try now(job).attempt)
        }
    }

    private func end(
        _ job: Int, _ number: Int, _ verdict: Verdict, _ figures: AttemptFigures, _ record: String, _ at: Timestamp
    ) throws {
        let (state, attempt) = try check(job, .ended(verdict.state))
        guard number == attempt else { throw Violation.wrongAttempt(job: job, number: number, expected: attempt) }
        let usec = at.microsecondsSinceEpoch
        let outcome: [(any DatabaseValueConvertible)?] = [
            usec, state.rawValue, verdict.cause.rawValue, verdict.message, verdict.exit.code, verdict.exit.signal,
            figures.memoryPeakBytes, figures.cpuUsageUsec, figures.wallTimeUsec,
        ]
        try run(
            """
            UPDATE attempts SET ended_usec = ?, state = ?, cause = ?, message = ?, exit_code = ?, exit_signal = ?,
                memory_peak_bytes = ?, cpu_usage_usec = ?, wall_time_usec = ?, record = ?, output_bytes = ?
            WHERE job_id = ? AND number = ?
            """, outcome + [record, figures.outputBytes, job, number])
        try run(
            """
            UPDATE jobs SET ended_usec = ?, state = ?, cause = ?, message = ?, exit_code = ?, exit_signal = ?,
                memory_peak_bytes = ?, cpu_usage_usec = ?, wall_time_usec = ?, reason = NULL,
                output_bytes = output_bytes + ?
            WHERE id = ?
            """, outcome + [figures.outputBytes ?? 0, job])
        try note(job, at, state, verdict.cause, number, verdict.message)
    }

    private func change(_ job: Int, _ to: JobState, _ cause: Cause?, _ detail: String?, _ at: Timestamp) throws {
        let (state, _) = try check(job, .changed(to))
        if state.isFinal {
            try run(
                "UPDATE jobs SET state = ?, ended_usec = ?, cause = ?, message = ?, reason = NULL WHERE id = ?",
                [state.rawValue, at.microsecondsSinceEpoch, cause?.rawValue, detail, job])
        } else {
            // Cause and message go on to tell how the last attempt ended.
            let reason = state == .running ? nil : detail
            try run(
                "UPDATE jobs SET state = ?, ended_usec = NULL, reason = ? WHERE id = ?", [state.rawValue, reason, job])
        }
        try note(job, at, state, cause, nil, detail)
    }

    private func update(_ job: Int, _ field: JobField) throws {
        switch field {
        case .priority(let value): try set("priority", value, job)
        case .begin(let value): try set("begin_usec", value?.microsecondsSinceEpoch, job)
        case .dependency(let value): try set("dependency", value?.text(of: job), job)
        case .memoryRequestBytes(let value): try set("memory_request_bytes", value, job)
        case .memoryLimitBytes(let value): try set("memory_limit_bytes", value, job)
        case .wallTimeLimitUsec(let value): try set("wall_time_limit_usec", value, job)
        case .cpusRequest(let value): try set("cpus_request_milli", value?.milli, job)
        case .attemptsMax(let value): try set("attempts_max", value, job)
        case .spec(let value):
            // A new document, because others of the array may share the old one; a trigger removes that if none does.
            try run(
                """
                INSERT INTO documents (spec, context)
                SELECT ?, context FROM documents WHERE id = (SELECT document_id FROM jobs WHERE id = ?)
                """, [value, job])
            try set("document_id", db.lastInsertedRowID, job)
        }
    }

    // MARK: Steps

    /// The highest id that was ever used, also by a job that is gone, plus 1.
    static func nextID(_ db: Database) throws -> Int {
        let select = try db.cachedStatement(sql: "SELECT seq FROM sqlite_sequence WHERE name = 'jobs'")
        guard let row = try Row.fetchOne(select) else { return 1 }
        var cells = Cells(row, of: "sqlite_sequence", ["seq"])
        // Room for all that will ever be submitted.
        let ids = 0...Int.max / 2
        if let last = cells.number(0, in: ids) { return last + 1 }
        // Of the jobs that are left. SQLite writes the cell anew when the next one comes.
        guard let highest = try Row.fetchOne(db, sql: "SELECT coalesce(max(id), 0) FROM jobs") else { return 1 }
        cells = Cells(highest, of: "jobs", ["id"])
        let last = cells.number(0, in: ids)
        try cells.check()
        return (last ?? 0) + 1
    }

    private func now(_ job: Int) throws -> (state: JobState, attempt: Int) {
        let select = try db.cachedStatement(sql: "SELECT state, attempt, ended_usec FROM jobs WHERE id = ?")
        guard let row = try Row.fetchOne(select, arguments: [job]) else { throw Violation.noSuchJob(job) }
        var cells = Cells(row, of: "jobs", ["state", "attempt", "ended_usec"])
        let (state, attempt, _) = StoredJob.standing(&cells, state: 0, attempt: 1, ended: 2)
        return (state, attempt)
    }

    /// The state after the event, and the newest attempt before it.
    @discardableResult
    private func check(_ job: Int, _ event: JobEvent) throws -> (state: JobState, attempt: Int) {
        let (before, attempt) = try now(job)
        guard let state = before.after(event) else { throw Violation.impossible(job: job, event, in: before) }
        return (state, attempt)
    }

    private func set(_ column: String, _ value: (any DatabaseValueConvertible)?, _ job: Int) throws {
        try run("UPDATE jobs SET \(column) = ? WHERE id = ?", [value, job])
    }

    /// A line in the history.
    private func note(
        _ job: Int, _ at: Timestamp, _ state: JobState, _ cause: Cause?, _ attempt: Int?, _ detail: String?
    ) throws {
        try run(
            "INSERT INTO changes (job_id, at_usec, state, cause, attempt, detail) VALUES (?, ?, ?, ?, ?, ?)",
            [job, at.microsecondsSinceEpoch, state.rawValue, cause?.rawValue, attempt, detail])
    }

    private func run(_ sql: String, _ arguments: [(any DatabaseValueConvertible)?]) throws {
        try db.cachedStatement(sql: sql).execute(arguments: StatementArguments(arguments))
    }
}

extension Change {
    /// The index of a job of that id which this submits, if it has nothing else of its own but is as `first` of its array.
    fileprivate func index(of id: Int, like first: StoredJob, _ document: JobDocument) -> Int? {
        guard case .submitted(var job, let other) = self, job.id == id, let place = job.array, other == document else {
            return nil
        }
        job.id = first.id
        job.array?.index = first.array?.index ?? 0
        return job == first ? place.index : nil
    }
}

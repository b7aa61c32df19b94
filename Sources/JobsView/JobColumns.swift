// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI

/// The columns of a table of jobs: some always, others only where they say something.
struct JobColumns {
    var now: Timestamp
    var time: LocalTime
    /// Whose jobs need no owner's name.
    var user: String?

    private struct Entry {
        var column: TextTable.Column
        var cell: (JobRow) -> TextTable.Cell
        var isUsed: (JobRow) -> Bool = { _ in true }
    }

    func table(_ rows: [JobRow]) -> TextTable {
        let entries = entries.filter { entry in rows.contains(where: entry.isUsed) }
        return TextTable(columns: entries.map(\.column), rows: rows.map { row in entries.map { $0.cell(row) } })
    }

    private var entries: [Entry] {
        let now = now
        let time = time
        let user = user
        return [
            Entry(column: .init(title: "ID", alignsRight: true), cell: { .init(Self.id($0)) }),
            Entry(
                column: .init(title: "OWNER", widest: 12), cell: { .init($0.representative.owner) },
                isUsed: { user != nil && $0.representative.owner != user }),
            Entry(column: .init(title: "NAME", widest: 24), cell: { .init(Self.name($0)) }),
            Entry(column: .init(title: "STATE"), cell: { .init($0.state.rawValue, state: $0.state) }),
            Entry(
                column: .init(title: "ATTEMPT", alignsRight: true, expendable: 1), cell: { .init(Self.attempt($0)) },
                isUsed: { $0.representative.attemptsMax > 1 || $0.representative.attempt > 1 }),
            Entry(
                column: .init(title: "GROUP", widest: 12, expendable: 3), cell: { .init($0.representative.group) },
                isUsed: { $0.representative.group != Scheduling.defaultGroup }),
            Entry(
                column: .init(title: "PRIO", alignsRight: true, expendable: 2),
                cell: { .init($0.representative.priority == 0 ? "" : "\($0.representative.priority)") },
                isUsed: { $0.representative.priority != 0 }),
            Entry(
                column: .init(title: "AFTER", widest: 16, expendable: 5),
                cell: { .init(Self.waiting($0)?.after ?? "") }, isUsed: { Self.waiting($0)?.after != nil }),
            Entry(
                column: .init(title: "BEGIN", expendable: 4),
                cell: { row in .init(Self.begin(row, now).map { time.short($0, now: now) } ?? "") },
                isUsed: { Self.begin($0, now) != nil }),
            Entry(column: .init(title: "TIME", alignsRight: true), cell: { .init(Self.clock($0, now)) }),
            Entry(column: .init(title: "MEM", alignsRight: true), cell: { .init(Self.memory($0)) }),
            Entry(column: .init(title: "REASON"), cell: { .init(time.localized(Self.reason($0), now: now)) }),
        ]
    }

    private static func id(_ row: JobRow) -> String {
        switch row {
        case .job(let job): "\(job.id)"
        case .array(let array): array.id
        }
    }

    static func name(_ row: JobRow) -> String {
        switch row {
        case .job(let job): job.arrayIndex.map { "\(job.name)[\($0)]" } ?? job.name
        case .array(let array): array.name
        }
    }

    private static func attempt(_ row: JobRow) -> String {
        guard case .job(let job) = row, job.attemptsMax > 1 || job.attempt > 1 else { return "" }
        return "\(job.attempt)/\(max(job.attemptsMax, job.attempt))"
    }

    /// The job, if what it waits for is still of interest.
    private static func waiting(_ row: JobRow) -> JobView? {
        let job = row.representative
        return job.state == .pending || job.state == .held ? job : nil
    }

    private static func begin(_ row: JobRow, _ now: Timestamp) -> Timestamp? {
        waiting(row).flatMap { moment($0.begin) }.flatMap { $0 > now ? $0 : nil }
    }

    private static func clock(_ row: JobRow, _ now: Timestamp) -> String {
        guard case .job(let job) = row else { return "" }
        switch job.state {
        case .pending, .held: return ""
        case .running, .suspended:
            return moment(job.startedAt).map {
                JobsView.clock(now.microsecondsSinceEpoch - $0.microsecondsSinceEpoch)
            } ?? ""
        default: return job.wallTimeUsec.map { JobsView.clock($0) } ?? ""
        }
    }

    /// `98M/100M`; before the start what is set aside for it: `-/100M`.
    private static func memory(_ row: JobRow) -> String {
        let job = row.representative
        let limit = job.memoryLimitBytes.map { ByteCount($0).description }
        guard case .job = row else { return limit.map { "-/\($0)" } ?? "" }
        let used: Int?
        switch job.state {
        case .pending, .held: used = nil
        case .running, .suspended: used = job.memoryCurrentBytes
        default: used = job.memoryPeakBytes
        }
        let text = used.map { ByteCount($0).description } ?? (limit == nil ? "" : "-")
        return limit.map { "\(text)/\($0)" } ?? text
    }

    private static func reason(_ row: JobRow) -> String {
        switch row {
        case .array(let array): return array.summary
        case .job(let job):
            switch job.state {
            case .pending, .held, .suspended: return job.reason ?? ""
            // Unless something holds it up, what it does is the news.
            case .running: return job.reason ?? job.command ?? ""
            default: return job.message ?? job.reason ?? ""
            }
        }
    }
}

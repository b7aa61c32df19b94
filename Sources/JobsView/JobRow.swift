// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI

/// A row of the status table: one job, or an array folded into one.
enum JobRow {
    case job(JobView)
    case array(ArrayRow)

    /// The job that stands for the row where all its jobs are alike.
    var representative: JobView {
        switch self {
        case .job(let job): job
        case .array(let array): array.jobs[0]
        }
    }

    var state: JobState {
        switch self {
        case .job(let job): job.state
        case .array(let array): array.state
        }
    }
}

/// The jobs of one array as one row.
struct ArrayRow {
    /// In the order of their ids; at least one.
    var jobs: [JobView]
    /// What is known of all its jobs, where `jobs` is not all of them.
    var totals: ArrayTotals?

    /// How many of its jobs are in which state.
    var states: [JobState: Int] {
        totals?.states ?? Dictionary(grouping: jobs, by: \.state).mapValues(\.count)
    }

    var waiting: Int { states.reduce(0) { $0 + ($1.key.isWaiting ? $1.value : 0) } }

    /// From here on an array is easier to read as one row.
    static let smallest = 5

    /// What its jobs do, most telling first: one that runs makes the array run.
    var state: JobState {
        let order: [JobState] = [
            .running, .suspended, .pending, .held, .outOfMemory, .failed, .timeout, .lost, .cancelled, .skipped,
        ]
        let states = states
        return order.first { states[$0] ?? 0 > 0 } ?? .completed
    }

    var id: String {
        if let totals { return "\(totals.id)-\(totals.lastID)" }
        return jobs.count == 1 ? "\(jobs[0].id)" : "\(jobs[0].id)-\(jobs[jobs.count - 1].id)"
    }

    /// `sweep[0-99]`
    var name: String {
        if let totals {
            let isWhole = totals.lastIndex - totals.firstIndex + 1 == totals.count
            return "\(jobs[0].name)["
                + (isWhole ? "\(totals.firstIndex)-\(totals.lastIndex)" : "\(totals.count) jobs") + "]"
        }
        let indices = IDSet(jobs.compactMap(\.arrayIndex)).description
        // An index for every third would fill the line.
        let short = indices.utf8.count <= 20 ? indices : "\(jobs.count) jobs"
        return "\(jobs[0].name)[\(short)]"
    }

    /// `pending 80, running 8, completed 12`, and why the next one waits.
    var summary: String {
        let counts = states
        let parts = JobState.allCases.compactMap { state in counts[state].map { "\(state.rawValue) \(grouped($0))" } }
        let reason = jobs.first { $0.state == .pending }?.reason
        return parts.joined(separator: ", ") + (reason.map { "; next: \($0)" } ?? "")
    }
}

extension JobRow {
    /// Jobs as rows in the order they were given in; an array stands where its first job stood.
    ///
    /// - Parameter totals: of arrays of which there may be more jobs than these.
    static func fold(_ jobs: [JobView], _ totals: [Int: ArrayTotals] = [:]) -> [JobRow] {
        var members: [Int: [JobView]] = [:]
        for job in jobs { if let array = job.arrayID { members[array, default: []].append(job) } }
        var rows: [JobRow] = []
        var done: Set<Int> = []
        for job in jobs {
            guard let array = job.arrayID, let all = members[array],
                (totals[array]?.count ?? all.count) >= ArrayRow.smallest
            else {
                rows.append(.job(job))
                continue
            }
            guard done.insert(array).inserted else { continue }
            rows.append(.array(ArrayRow(jobs: all.sorted { $0.id < $1.id }, totals: totals[array])))
        }
        return rows
    }
}

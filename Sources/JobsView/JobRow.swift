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

    /// From here on an array is easier to read as one row.
    static let smallest = 5

    /// What its jobs do, most telling first: one that runs makes the array run.
    var state: JobState {
        let order: [JobState] = [
            .running, .suspended, .pending, .held, .outOfMemory, .failed, .timeout, .lost, .cancelled, .skipped,
        ]
        return order.first { state in jobs.contains { $0.state == state } } ?? .completed
    }

    var id: String { jobs.count == 1 ? "\(jobs[0].id)" : "\(jobs[0].id)-\(jobs[jobs.count - 1].id)" }

    /// `sweep[0-99]`
    var name: String {
        let indices = IDSet(jobs.compactMap(\.arrayIndex)).description
        // An index for every third would fill the line.
        let short = indices.utf8.count <= 20 ? indices : "\(jobs.count) jobs"
        return "\(jobs[0].name)[\(short)]"
    }

    /// `pending 80, running 8, completed 12`, and why the next one waits.
    var summary: String {
        let counts = Dictionary(grouping: jobs, by: \.state).mapValues(\.count)
        let parts = JobState.allCases.compactMap { state in counts[state].map { "\(state.rawValue) \(grouped($0))" } }
        let reason = jobs.first { $0.state == .pending }?.reason
        return parts.joined(separator: ", ") + (reason.map { "; next: \($0)" } ?? "")
    }
}

extension JobRow {
    /// Jobs as rows in the order they were given in; an array stands where its first job stood.
    static func fold(_ jobs: [JobView]) -> [JobRow] {
        var members: [Int: [JobView]] = [:]
        for job in jobs { if let array = job.arrayID { members[array, default: []].append(job) } }
        var rows: [JobRow] = []
        var done: Set<Int> = []
        for job in jobs {
            guard let array = job.arrayID, let all = members[array], all.count >= ArrayRow.smallest else {
                rows.append(.job(job))
                continue
            }
            guard done.insert(array).inserted else { continue }
            rows.append(.array(ArrayRow(jobs: all.sorted { $0.id < $1.id })))
        }
        return rows
    }
}

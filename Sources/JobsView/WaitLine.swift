// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI

/// What somebody who waits for jobs sees meanwhile, fed with the news as they come.
package struct WaitLine {
    private var jobs: [Int: JobView] = [:]
    private var live: [Int: LiveUsage] = [:]
    /// Kept while jobs come and go: ten thousand are not counted at every change.
    private var counts: [JobState: Int] = [:]

    package init() {}

    package mutating func note(_ job: JobView) {
        if let before = jobs[job.id] { counts[before.state, default: 0] -= 1 }
        counts[job.state, default: 0] += 1
        jobs[job.id] = job
        if job.state != .running { live[job.id] = nil }
    }

    package mutating func note(_ usage: LiveUsage) { if let id = usage.job { live[id] = usage } }

    /// One job with its figures, or how many do what.
    package func text(now: Timestamp, _ style: Style) -> String {
        if jobs.count == 1, let job = jobs.values.first {
            return ProgressLine(job: job, live: live[job.id]).text(now: now, style)
        }
        let parts = JobState.allCases.compactMap { state in
            counts[state].flatMap { $0 > 0 ? "\(state.rawValue) \(grouped($0))" : nil }
        }
        let text = counted(jobs.count, "job") + ": " + parts.joined(separator: ", ")
        return text.truncated(to: style.width.map { $0 - 1 } ?? .max)
    }
}

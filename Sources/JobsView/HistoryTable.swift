// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI

/// What `jobs history` shows: finished jobs, the last one to end first.
package struct HistoryTable {
    package var jobs: [JobView]
    package var now: Timestamp
    package var user: String?
    package var time = LocalTime.current

    package init(_ jobs: [JobView], now: Timestamp, user: String? = nil) {
        self.jobs = jobs
        self.now = now
        self.user = user
    }

    package func text(_ style: Style) -> String {
        guard !jobs.isEmpty else { return "No job has ended here that fits.\n" }
        let sorted = jobs.sorted { ($0.endedAt ?? "", $0.id) > ($1.endedAt ?? "", $1.id) }
        var table = JobColumns(now: now, time: time, user: user).table(sorted.map { .job($0) })
        // When it ended stands before why.
        let place = table.columns.count - 1
        table.columns.insert(.init(title: "ENDED", expendable: 0), at: place)
        for (index, job) in sorted.enumerated() {
            let ended = moment(job.endedAt).map { time.short($0, now: now) } ?? ""
            table.rows[index].insert(.init(ended), at: place)
        }
        return table.lines(style).joined(separator: "\n") + "\n"
    }
}

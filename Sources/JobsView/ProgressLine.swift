// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI

/// The one line that lives while somebody waits for a job: `job 42 running 00:03  memory 63M/100M [#######     ]`.
package struct ProgressLine {
    package var job: JobView
    package var live: LiveUsage?

    private static let barWidth = 20

    package init(job: JobView, live: LiveUsage? = nil) {
        self.job = job
        self.live = live
    }

    /// Never wider than the terminal: a line that wraps cannot be drawn over.
    package func text(now: Timestamp, _ style: Style) -> String {
        let state = job.state.rawValue
        let start = "job \(job.id) "
        var rest = ""
        switch job.state {
        case .running, .suspended:
            if let started = moment(job.startedAt) {
                rest += " " + clock(now.microsecondsSinceEpoch - started.microsecondsSinceEpoch)
            }
            if job.attempt > 1 { rest += "  attempt \(job.attempt)" }
            if let memory { rest += "  " + memory }
            if let cpu = live?.cpuUsageUsec { rest += "  cpu " + clock(cpu) }
        default:
            if let reason = job.reason ?? job.message {
                rest += "  " + LocalTime.current.localized(reason, now: now).printable
            }
        }
        // One column less than there are: the cursor stands behind the text.
        let room = (style.width ?? .max) - 1 - start.displayWidth - state.count
        return start + style.paint(state, job.state) + rest.truncated(to: max(0, room))
    }

    private var memory: String? {
        guard let used = live?.memoryCurrentBytes ?? job.memoryCurrentBytes else { return nil }
        let text = "memory \(ByteCount(used))"
        guard let limit = job.memoryLimitBytes, limit > 0 else { return text }
        let filled = min(Self.barWidth, max(0, (used * Self.barWidth + limit / 2) / limit))
        let bar = String(repeating: "#", count: filled) + String(repeating: " ", count: Self.barWidth - filled)
        return "\(text)/\(ByteCount(limit)) [\(bar)]"
    }
}

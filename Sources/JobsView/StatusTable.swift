// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI

/// What `jobs status` shows: how many jobs there are, those that run, the next that will, and what ended lately.
package struct StatusTable {
    /// Jobs that have not ended, in any order.
    package var live: [JobView]
    /// Jobs that ended, in any order.
    package var finished: [JobView]
    package var now: Timestamp
    /// Whose jobs need no owner's name.
    package var user: String?
    package var time = LocalTime.current
    package var isDraining = false
    /// Every job in a row of its own.
    package var all = false
    /// What was asked for; nothing is said of other states then. `nil` for all.
    package var states: [JobState]?
    /// How many there are of what the lists hold only the first of; `nil` if they hold all.
    package var counts: CountsView?

    /// How many rows of waiting and of ended jobs tell enough.
    package static let rowsOfPending = 15
    package static let rowsOfFinished = 10

    package init(live: [JobView], finished: [JobView], now: Timestamp, user: String? = nil) {
        self.live = live
        self.finished = finished
        self.now = now
        self.user = user
    }

    package func text(_ style: Style) -> String {
        guard !live.isEmpty || !finished.isEmpty else {
            if let states { return "No job is \(states.map(\.rawValue).joined(separator: " or ")).\n" }
            return Self.nothing(isDraining: isDraining)
        }
        let (rows, hidden) = rows
        var lines = [style.bold(summary)]
        if !rows.isEmpty { lines += JobColumns(now: now, time: time, user: user).table(rows).lines(style) }
        if hidden > 0 { lines.append("… and \(grouped(hidden)) more (jobs status --all)") }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func nothing(isDraining: Bool) -> String {
        isDraining
            ? "No jobs, and none will start: the queue drains.\n`jobs drain --off` lets jobs start again.\n"
            : "No jobs: nothing runs, nothing waits, and nothing ran lately.\nTry `jobs submit -- sleep 10`, then `jobs status` again.\n"
    }

    /// `3 running, 9,980 pending, 17 finished today`
    private var summary: String {
        if let states {
            return states.map { state in "\(grouped((live + finished).count { $0.state == state })) \(state.rawValue)" }
                .joined(separator: ", ")
        }
        var parts: [String] = []
        for state in [JobState.running, .suspended, .pending, .held] {
            let count = counts.map { $0.live[state] ?? 0 } ?? live.count { $0.state == state }
            if count > 0 || state == .running { parts.append("\(grouped(count)) \(state.rawValue)") }
        }
        let midnight = time.startOfDay(now)
        let today = counts?.ended ?? finished.count { moment($0.endedAt).map { $0 >= midnight } ?? false }
        parts.append("\(grouped(today)) finished today")
        return parts.joined(separator: ", ") + (isDraining ? "; the queue drains, nothing starts" : "")
    }

    /// What is shown, and how many jobs are not.
    private var rows: (shown: [JobRow], hidden: Int) {
        let totals = Dictionary((counts?.arrays ?? []).map { ($0.id, $0) }) { first, _ in first }
        // The finished elements of a live array belong to its row.
        let liveArrays = Set(live.compactMap(\.arrayID))
        let ofLiveArrays = finished.filter { $0.arrayID.map(liveArrays.contains) ?? false }
        let others = finished.filter { !($0.arrayID.map(liveArrays.contains) ?? false) }
        let queue = (live + (all ? [] : ofLiveArrays)).sorted { Self.order($0) < Self.order($1) }
        let ended = (others + (all ? ofLiveArrays : [])).sorted {
            ($0.endedAt ?? "", $0.id) > ($1.endedAt ?? "", $1.id)
        }
        if all { return ((queue + ended).map { .job($0) }, 0) }
        var shown: [JobRow] = []
        var waiting = 0
        var hidden = 0
        for row in JobRow.fold(queue, totals) {
            if row.state.isWaiting {
                waiting += 1
                guard waiting <= Self.rowsOfPending else {
                    hidden += row.count
                    continue
                }
            }
            // What remains of a small array that has ended in part is news of the past.
            if row.state.isLive { shown.append(row) }
        }
        if let counts {
            let waiting = (counts.live[.pending] ?? 0) + (counts.live[.held] ?? 0)
            hidden = max(0, waiting - shown.reduce(0) { $0 + $1.waiting })
        }
        let past = JobRow.fold(ended, totals)
        // Of all states, what ended long ago is for `jobs history`.
        if states != nil { hidden += past.dropFirst(Self.rowsOfFinished).reduce(0) { $0 + $1.count } }
        return (shown + past.prefix(Self.rowsOfFinished), hidden)
    }

    /// Running first, then what waits in the order that it will start in.
    private static func order(_ job: JobView) -> (Int, Int, Int) {
        let rank =
            switch job.state {
            case .running: 0
            case .suspended: 1
            case .pending: 2
            case .held: 3
            default: 4
            }
        return (rank, rank == 2 ? -job.priority : 0, job.id)
    }
}

extension JobRow {
    fileprivate var count: Int {
        if case .array(let array) = self { array.jobs.count } else { 1 }
    }

    fileprivate var waiting: Int {
        switch self {
        case .array(let array): array.waiting
        case .job(let job): job.state.isWaiting ? 1 : 0
        }
    }
}

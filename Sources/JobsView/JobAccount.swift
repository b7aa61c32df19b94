// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI

/// What `jobs status ID` shows: everything that is known of one job.
package struct JobAccount {
    package var job: JobView
    package var live: LiveUsage?
    /// The records of its attempts.
    package var attempts: [JSON]
    package var changes: [StateChange]
    /// What the job file and its flags ask for; only its owner may know.
    package var asked: Limits?
    /// What of it could not be read in the store.
    package var damage: [String] = []
    /// The script that it is; only its owner may know.
    package var script: KeptScript?
    package var now: Timestamp
    package var time = LocalTime.current

    package init(
        job: JobView, live: LiveUsage? = nil, attempts: [JSON] = [], changes: [StateChange] = [], now: Timestamp
    ) {
        self.job = job
        self.live = live
        self.attempts = attempts
        self.changes = changes
        self.now = now
    }

    package func text(_ style: Style) -> String {
        let title = "job \(job.id)  \(JobColumns.name(.job(job)).printable)"
        var lines = [style.bold(title) + "  " + style.paint(job.state.rawValue, job.state)]
        let rows = facts.filter { !$0.value.isEmpty }
        let width = rows.reduce(0) { max($0, $1.key.count) }
        lines += rows.map { "  " + style.dim($0.key.padded(to: width)) + "  " + $0.value.printable }
        for attempt in attempts {
            lines +=
                ["", style.bold("attempt \(attempt["job"]?["attempt"]?.intValue ?? 0)")] + account(of: attempt, style)
        }
        if !changes.isEmpty { lines += ["", style.bold("history")] + history(style) }
        return lines.joined(separator: "\n") + "\n"
    }

    private var facts: [(key: String, value: String)] {
        var facts: [(key: String, value: String)] = [("owner", job.owner), ("command", job.command ?? "")]
        if let script {
            let size = ByteCount(script.text.utf8.count)
            facts.append(("script", "kept as it was submitted, \(size); `jobs show \(job.id)` prints it"))
        }
        if job.group != Scheduling.defaultGroup { facts.append(("group", job.group)) }
        if job.priority != 0 { facts.append(("priority", "\(job.priority)")) }
        if let array = job.arrayID, let index = job.arrayIndex {
            facts.append(("array", "index \(index) of array \(array)"))
        }
        if let after = job.after { facts.append(("after", after)) }
        if let begin = moment(job.begin) { facts.append(("begins", time.full(begin))) }
        // A release after the last retry is one more than was asked for.
        let most = max(job.attemptsMax, job.attempt)
        if most > 1 { facts.append(("attempts", "\(job.attempt) of \(most)")) }
        facts.append(("limits", limits))
        facts.append(("submitted", moment(job.submittedAt).map(time.full) ?? ""))
        if let started = moment(job.startedAt) {
            let ran = job.state.isLive ? clock(now.microsecondsSinceEpoch - started.microsecondsSinceEpoch) : nil
            facts.append(("started", time.full(started) + (ran.map { ", \($0) ago" } ?? "")))
        }
        if let ended = moment(job.endedAt) {
            let took = job.wallTimeUsec.map { ", after \(JobDuration(microseconds: $0))" } ?? ""
            facts.append(("ended", time.full(ended) + took))
        }
        if let live { facts.append(("uses now", usage(live))) }
        if job.state == .pending || job.state == .held {
            let reason = time.localized(job.reason ?? "", now: now)
            facts.append(("waits", reason.hasPrefix("waits ") ? String(reason.dropFirst(6)) : reason))
        }
        if job.state == .running || job.state == .suspended { facts.append(("attention", job.reason ?? "")) }
        // The attempts tell it with their figures.
        if attempts.isEmpty, !job.state.isLive { facts.append(("why", job.message ?? job.reason ?? "")) }
        // A held one says it as its reason.
        facts += damage.filter { $0 != job.reason }.map { ("damaged", $0) }
        if let code = job.processExitCode { facts.append(("exit code", "\(code)")) }
        return facts
    }

    private var limits: String {
        var parts: [String] = []
        if let memory = job.memoryLimitBytes { parts.append("memory \(ByteCount(memory))") }
        if let request = job.memoryRequestBytes, request != job.memoryLimitBytes {
            parts.append("\(ByteCount(request)) of memory set aside")
        }
        if let cpus = job.cpus.flatMap({ CPUCount(value: $0) }) { parts.append("\(cpus) CPU") }
        if let pids = asked?.pids { parts.append("\(pids) pids") }
        if let cpus = asked?.cpuset { parts.append("on CPU \(cpus)") }
        if let time = asked?.wallTime { parts.append("\(time) of wall time") }
        if let time = asked?.cpuTime { parts.append("\(time) of CPU time") }
        return parts.joined(separator: ", ")
    }

    private func usage(_ live: LiveUsage) -> String {
        var parts: [String] = []
        if let memory = live.memoryCurrentBytes {
            parts.append("memory \(ByteCount(memory))" + (job.memoryLimitBytes.map { " of \(ByteCount($0))" } ?? ""))
        }
        if let cpu = live.cpuUsageUsec { parts.append("cpu \(JobDuration(microseconds: cpu))") }
        if let pids = live.pidsCurrent { parts.append(pids == 1 ? "1 process" : "\(pids) processes") }
        return parts.joined(separator: ", ")
    }

    private func account(of attempt: JSON, _ style: Style) -> [String] {
        guard let record = Record(json: attempt) else { return ["  its record cannot be read by this version"] }
        return Summary(record).lines(colour: style.colour).map { "  " + $0 }
    }

    private func history(_ style: Style) -> [String] {
        changes.map { change in
            let at = moment(change.at).map { time.short($0, now: now) } ?? change.at
            var line = "  " + at.padded(to: 12) + "  " + style.paint(change.state.rawValue, change.state)
            var parts: [String] = []
            if let attempt = change.attempt, attempt > 0 { parts.append("attempt \(attempt)") }
            if let cause = change.cause { parts.append(cause.printable) }
            if let detail = change.detail { parts.append(detail.printable) }
            if !parts.isEmpty {
                line += String(repeating: " ", count: max(0, 13 - change.state.rawValue.count)) + "  "
                line += parts.joined(separator: ", ").truncated(to: style.width.map { max(10, $0 - 31) } ?? .max)
            }
            return line
        }
    }
}

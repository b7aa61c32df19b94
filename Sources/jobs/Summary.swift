// SPDX-License-Identifier: Apache-2.0
import JobModel

/// The account of an attempt for people: one short paragraph.
struct Summary {
    let record: Record

    init(_ record: Record) { self.record = record }

    func text(colour: Bool) -> String {
        let state = record.verdict.state
        let word = colour ? "\u{1B}[1;\(state.colour)m\(state.rawValue)\u{1B}[0m" : state.rawValue
        var lines = ["jobs: \(record.job.name) \(word). \(record.verdict.message)"]
        lines += rows.map { "      " + $0 }
        for flag in record.trust { lines.append("      note: \(flag.kind.rawValue): \(flag.detail)") }
        for (limit, reason) in record.limits.unenforced.sorted(by: { $0.key < $1.key }) {
            lines.append("      note: \(limit) was not enforced: \(reason)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var rows: [String] {
        let usage = record.usage
        let limits = record.limits
        guard let wall = usage.wallTimeUsec else { return [] }
        var time = "time    \(pad(duration(wall)))"
        if let cpu = usage.cpuUsageUsec {
            time += "  cpu \(duration(cpu))"
            if let user = usage.cpuUserUsec, let system = usage.cpuSystemUsec {
                time += " (user \(duration(user)), system \(duration(system)))"
            }
        }
        if let cpus = limits.cpus { time += " of \(cpus) CPU" }
        var rows = [time]
        if let peak = usage.memoryPeakBytes {
            var memory = "memory  \(pad(bytes(peak)))"
            memory += limits.memoryBytes.map { "  peak of \(bytes($0)), cache included" } ?? "  peak, cache included"
            if let rss = usage.rssMaxBytes { memory += "; largest process \(bytes(rss))" }
            if let hits = usage.memoryLimitHits, hits > 0 { memory += "; limit reached \(hits)×" }
            if let swap = usage.swapPeakBytes, swap > 0 { memory += "; swap \(bytes(swap))" }
            rows.append(memory)
        }
        var other: [String] = []
        if let peak = usage.pidsPeak {
            var text = "\(peak)"
            if let limit = limits.pids { text += " of \(limit)" }
            if let refused = usage.pidsLimitHits, refused > 0 { text += " (\(refused) forks refused)" }
            other.append("pids    " + pad(text))
        }
        if let read = usage.ioReadBytes, let written = usage.ioWriteBytes, read + written > 0 {
            other.append("disk read \(bytes(read)), written \(bytes(written))")
        }
        if !other.isEmpty { rows.append(other.joined(separator: "  ")) }
        return rows
    }

    private func duration(_ usec: Int) -> String { JobDuration(microseconds: usec).description }
    private func bytes(_ count: Int) -> String { ByteCount(count).human() }
    private func pad(_ text: String) -> String { text + String(repeating: " ", count: max(0, 8 - text.count)) }
}

extension JobState {
    /// ANSI colour: green for what went well, red for what did not, yellow for what somebody decided.
    var colour: Int {
        switch self {
        case .completed: 32
        case .failed, .outOfMemory, .timeout, .lost: 31
        case .running: 34
        case .pending, .held, .suspended, .cancelled, .skipped: 33
        }
    }
}

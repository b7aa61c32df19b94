// SPDX-License-Identifier: Apache-2.0
import JobModel

/// The account of an attempt for people: one short paragraph.
package struct Summary {
    let record: Record

    package init(_ record: Record) { self.record = record }

    package func text(colour: Bool) -> String {
        let lines = lines(colour: colour)
        let first = "jobs: \(record.job.name.printable) " + (lines.first ?? "")
        return ([first] + lines.dropFirst().map { "      " + $0 }).joined(separator: "\n") + "\n"
    }

    /// The verdict, then the figures and notes.
    func lines(colour: Bool) -> [String] {
        let state = record.verdict.state
        var lines =
            ["\(Style(colour: colour).paint(state.rawValue, state)). \(record.verdict.message.printable)"] + rows
        for flag in record.trust { lines.append("note: \(flag.kind.rawValue): \(flag.detail.printable)") }
        for (limit, reason) in record.limits.unenforced.sorted(by: { $0.key < $1.key }) {
            lines.append("note: \(limit.printable) was not enforced: \(reason.printable)")
        }
        return lines
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
        if let suspended = usage.suspendedUsec, suspended > 0 { time += "; suspended \(duration(suspended)) of it" }
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
            if let refused = usage.pidsLimitHits, refused > 0 {
                text += " (\(refused) \(refused == 1 ? "fork" : "forks") refused)"
            }
            other.append("pids    " + pad(text))
        }
        if let read = usage.ioReadBytes, let written = usage.ioWriteBytes, read + written > 0 {
            let least = record.partial["io_write_bytes"] == nil ? "" : "at least "
            other.append("disk read \(bytes(read)), written \(least)\(bytes(written))")
        }
        if !other.isEmpty { rows.append(other.joined(separator: "  ")) }
        return rows.map { row in row.lastIndex { $0 != " " }.map { String(row[...$0]) } ?? "" }
    }

    private func duration(_ usec: Int) -> String { JobDuration(microseconds: usec).description }
    private func bytes(_ count: Int) -> String { ByteCount(count).human() }
    private func pad(_ text: String) -> String { text + String(repeating: " ", count: max(0, 8 - text.count)) }
}

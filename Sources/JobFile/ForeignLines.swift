// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Lines of a script for another batch system, which jobs would pass over.
public struct ForeignLines: Hashable, Sendable {
    /// `#SBATCH`, `#PBS` or `#BSUB`.
    public var mark: String
    /// The flags of ours that mean the same as the lines for Slurm.
    public var flags: [Settings.Given] = []
    /// Slurm's flags that have no counterpart, or a value that has none.
    public var unread: [String] = []

    private static let marks = ["#SBATCH", "#PBS", "#BSUB"]

    /// `nil` if there are none, or if `#JOB` lines say what is meant here.
    public init?(script text: String) {
        let head = lines(text).prefix { line in
            let text = trimmed(line)
            return text.isEmpty || text.hasPrefix("#")
        }
        guard !JobFile.hasJobLines(text),
            let mark = Self.marks.first(where: { mark in head.contains { Self.rest(of: $0, behind: mark) != nil } })
        else { return nil }
        self.mark = mark
        if mark == "#SBATCH" {
            for line in head { if let rest = Self.rest(of: line, behind: mark) { read(rest) } }
        }
    }

    /// Of a regular file; a pipe gives its text but once.
    public init?(path: String) {
        guard kind(of: path) == S_IFREG, let text = try? JobFile.text(of: path) else { return nil }
        self.init(script: text)
    }

    private static func rest(of line: String, behind mark: String) -> String? {
        guard line.hasPrefix(mark), let next = line.dropFirst(mark.count).first, next == " " || next == "\t" else {
            return nil
        }
        return String(line.dropFirst(mark.count))
    }

    // MARK: Slurm

    /// Long names of the flags that are read, by their short ones.
    private static let short = [
        "J": "job-name", "c": "cpus-per-task", "t": "time", "a": "array", "d": "dependency", "b": "begin", "D": "chdir",
        "p": "partition", "H": "hold", "n": "ntasks", "N": "nodes", "o": "output", "e": "error", "W": "wait",
    ]
    private static let switches = ["hold", "requeue", "no-requeue", "wait", "parsable", "exclusive", "contiguous"]

    private mutating func read(_ line: String) {
        guard let words = try? Draft.words(line, from: 0, 1).map(\.text) else {
            unread.append(trimmed(line))
            return
        }
        var rest = words[...]
        while let word = rest.popFirst() {
            var name: String
            var value: String?
            if word.hasPrefix("--") {
                let halves = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                (name, value) = (String(halves[0]), halves.count > 1 ? String(halves[1]) : nil)
            } else if word.hasPrefix("-"), let letter = word.dropFirst().first {
                name = Self.short[String(letter)] ?? String(letter)
                if word.count > 2 { value = String(word.dropFirst(2)) }
            } else {
                unread.append(word)
                continue
            }
            if value == nil, !Self.switches.contains(name), rest.first?.hasPrefix("-") == false {
                value = rest.popFirst()
            }
            if let translated = Self.translated(name, value) {
                flags += translated
            } else {
                unread.append("--" + name + (value.map { "=" + $0 } ?? ""))
            }
        }
    }

    /// - Returns: none for what means nothing here, `nil` for what cannot be kept.
    private static func translated(_ name: String, _ value: String?) -> [Settings.Given]? {
        func flag(_ name: String, _ value: String?) -> [Settings.Given] { [.init(flag: "--" + name, value: value)] }
        switch (name, value) {
        case ("job-name", let value?): return flag("name", value)
        case ("mem", let value?): return memory(value).map { flag("memory", $0) }
        case ("cpus-per-task", let value?): return flag("cpus", value)
        case ("time", let value?): return time(value).map { flag("wall-time", "\($0)s") }
        case ("array", let value?): return flag("array", value)
        case ("dependency", let value?): return dependency(value).map { flag("after", $0) }
        case ("begin", let value?): return flag("begin", value)
        case ("export", let value?): return flag("export", value)
        case ("chdir", let value?): return flag("directory", value)
        case ("partition", let value?): return flag("queue-group", value)
        case ("nice", let value): return Int(value ?? "100").map { flag("priority", "\(-max(-1000, min(1000, $0)))") }
        case ("hold", nil): return flag("hold", nil)
        case ("requeue", nil): return flag("retries", "1") + flag("retry-on", "lost")
        case ("nodes", "1"?), ("ntasks", "1"?), ("no-requeue", nil), ("wait", nil), ("parsable", nil): return []
        default: return nil
        }
    }

    /// A number without a unit is of megabytes to Slurm, and 0 is all that the machine has.
    private static func memory(_ value: String) -> String? {
        guard let last = value.last, value != "0" else { return nil }
        return last.isNumber ? value + "M" : value
    }

    /// `minutes`, `minutes:seconds`, `hours:minutes:seconds`, `days-hours`, `days-hours:minutes` and
    /// `days-hours:minutes:seconds`, in seconds.
    private static func time(_ value: String) -> Int? {
        let halves = value.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let parts = halves[halves.count - 1].split(separator: ":", omittingEmptySubsequences: false).map {
            $0.utf8.allSatisfy { (0x30...0x39).contains($0) } && $0.utf8.count <= 9 ? Int($0) : nil
        }
        guard parts.count <= 3, !parts.contains(nil) else { return nil }
        let numbers = parts.compactMap(\.self)
        guard halves.count == 2 else {
            switch numbers.count {
            case 1: return numbers[0] * 60
            case 2: return numbers[0] * 60 + numbers[1]
            default: return numbers[0] * 3600 + numbers[1] * 60 + numbers[2]
            }
        }
        guard let days = Int(halves[0]), (0...1_000_000).contains(days) else { return nil }
        return zip(numbers, [3600, 60, 1]).reduce(days * 86_400) { $0 + $1.0 * $1.1 }
    }

    /// `afterok:1:2,afterany:3` as `ok:1,ok:2,any:3`.
    private static func dependency(_ value: String) -> String? {
        let conditions = ["afterok": "ok", "afterany": "any", "afternotok": "failed"]
        var alternatives: [String] = []
        for alternative in value.split(separator: "?") {
            var terms: [String] = []
            for part in alternative.split(separator: ",") {
                let words = part.split(separator: ":").map(String.init)
                guard words.count > 1, let condition = conditions[words[0]] else { return nil }
                terms += words.dropFirst().map { condition + ":" + $0 }
            }
            alternatives.append(terms.joined(separator: ","))
        }
        return alternatives.joined(separator: "?")
    }
}

// SPDX-License-Identifier: Apache-2.0

/// What a setting is given, wherever it came from: a YAML node or the text of a flag.
///
/// Scalars stay the text that was written. YAML's own reading of them is never used: YAML 1.1 makes 18 of `umask: 0022`,
/// 90 of `wall-time: 1:30` and a Boolean of `NO`, all without a word.
struct Value: Sendable {
    indirect enum Content: Sendable {
        /// A key without a value, `~` or `null`.
        case none
        case text(String)
        case list([Value])
        case map([Entry])
    }

    struct Entry: Sendable {
        var key: Value
        var value: Value
    }

    var content: Content
    var position: Position?

    init(_ content: Content, at position: Position? = nil) {
        self.content = content
        self.position = position
    }

    /// What was found, for "found …, expected …".
    var found: String {
        switch content {
        case .none: "no value"
        // A file that is no job file may be one long text.
        case .text(let text): "'\(text.prefix(60))\(text.count > 60 ? "…" : "")'"
        case .list: "a list"
        case .map: "a map"
        }
    }

    func problem(_ message: String, suggestion: String? = nil, allowed: [String] = []) -> Problem {
        Problem(message, suggestion: suggestion, allowed: allowed, at: position)
    }

    func mismatch(_ expected: String) -> Problem { problem("found \(found), expected \(expected)") }

    func text(_ expected: String) throws(Problem) -> String {
        guard case .text(let text) = content else { throw mismatch(expected) }
        // argv, the environment and paths end at the first NUL; what follows it would be lost.
        guard !text.unicodeScalars.contains("\0") else { throw problem("must not contain a NUL character") }
        return text
    }

    /// The items of a list. One text is a list separated by commas, which is how flags write it; `none` is no item.
    func items(_ expected: String) throws(Problem) -> [Value] {
        switch content {
        case .list(let items): return items
        case .text("none"): return []
        case .text(let text):
            return text.split(separator: ",", omittingEmptySubsequences: false).map {
                Value(.text(trimmed($0)), at: position)
            }
        case .none, .map: throw mismatch(expected)
        }
    }

    func entries(_ expected: String) throws(Problem) -> [Entry] {
        guard case .map(let entries) = content else { throw mismatch(expected) }
        return entries
    }

    /// The entries of a map whose keys must be among `allowed`.
    func fields(of name: String, _ allowed: [String], _ expected: String) throws(Problem) -> [String: Value] {
        var fields: [String: Value] = [:]
        for entry in try entries(expected) {
            let key = try entry.key.text("a key")
            guard allowed.contains(key) else {
                throw entry.key.problem(
                    "unknown key '\(key)' in \(name)", suggestion: nearest(key, among: allowed), allowed: allowed)
            }
            guard fields.updateValue(entry.value, forKey: key) == nil else {
                throw entry.key.problem("key '\(key)' is given twice")
            }
        }
        return fields
    }
}

/// Reads `A=B,C=D` as a map, which is how flags write one.
func pairs(_ text: String, _ expected: String) throws(Problem) -> Value.Content {
    var entries: [Value.Entry] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
        entries.append(try pair(String(part), expected))
    }
    return .map(entries)
}

/// Reads `A=B`; only the first `=` separates.
func pair(_ text: String, _ expected: String) throws(Problem) -> Value.Entry {
    guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
        throw Problem("'\(text)': expected \(expected)")
    }
    return Value.Entry(
        key: Value(.text(trimmed(text[..<equals]))), value: Value(.text(String(text[text.index(after: equals)...]))))
}

func trimmed(_ text: some StringProtocol) -> String {
    var scalars = Substring(text).unicodeScalars
    while let first = scalars.first, first.isBlank { scalars.removeFirst() }
    while let last = scalars.last, last.isBlank { scalars.removeLast() }
    return String(scalars)
}

extension Unicode.Scalar {
    var isBlank: Bool { self == " " || self == "\t" || self == "\r" }
}

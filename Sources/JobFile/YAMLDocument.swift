// SPDX-License-Identifier: Apache-2.0

internal import Yams

/// Reads YAML text into a ``Value``. The only file that knows the YAML library.
enum YAMLDocument {
    /// The one document of a file; `nil` if the file says nothing.
    static func read(_ text: String) throws(Problem) -> Value? {
        do {
            // The parser keeps a pointer into the string, which a short string, stored in its own two words, does not
            // have: make it long enough to live on the heap.
            let padded = text + String(repeating: "\n", count: max(0, 16 - text.utf8.count))
            try checkAliases(text)
            guard let root = try Yams.compose(yaml: padded, .default, .default, .utf8) else { return nil }
            var budget = mostValues
            let value = try Self.value(root, &budget)
            if case .none = value.content { return nil }
            return value
        } catch let problem as Problem {
            throw problem
        } catch let error as YamlError {
            throw problem(of: error, in: text)
        } catch {
            throw Problem("cannot be read as YAML: \(error)")
        }
    }

    /// The library compares keys while it reads, and a key that is aliases of aliases takes it for ever. Twelve of them
    /// unfold to no more than 81 times the file.
    private static func checkAliases(_ text: String) throws(Problem) {
        let bytes = Array(text.utf8)
        let anchors = Set(names(after: UInt8(ascii: "&"), in: bytes))
        guard !anchors.isEmpty else { return }
        let aliases = names(after: UInt8(ascii: "*"), in: bytes).count { anchors.contains($0) }
        guard aliases > 0 else { return }
        guard aliases <= 12 else { throw Problem("the file has more than 12 aliases; write the values out") }
        guard bytes.count <= 65536 else { throw Problem("a file with aliases must not be longer than 64 KiB") }
    }

    /// What may be an anchor or an alias: the mark and the characters that YAML allows in their names.
    private static func names(after mark: UInt8, in bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        bytes.indices.filter { bytes[$0] == mark }.compactMap { index in
            let name = bytes[(index + 1)...].prefix {
                switch $0 {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"), UInt8(ascii: "-"): true
                default: false
                }
            }
            return name.isEmpty ? nil : name
        }
    }

    /// Aliases of aliases make a short text an endless one; a job file has a few hundred values.
    private static let mostValues = 100_000

    private static func value(_ node: Node, _ budget: inout Int) throws(Problem) -> Value {
        let position = node.mark.map { Position(line: $0.line, column: $0.column) }
        budget -= 1
        guard budget > 0 else { throw Problem("the file has more than \(mostValues) values", at: position) }
        switch node {
        case .scalar(let scalar):
            // `!!int 5` asks for a reading other than ours.
            let tag = scalar.tag.description
            guard ["", "!", Tag.Name.str.rawValue].contains(tag) || scalar.style == .any else {
                throw Problem("YAML tags such as \(shortened(tag)) have no meaning in a job file", at: position)
            }
            let isPlain = scalar.style == .plain
            if isPlain, ["", "~", "null", "Null", "NULL"].contains(scalar.string) { return Value(.none, at: position) }
            return Value(.text(scalar.string), at: position)
        case .sequence(let sequence):
            var items: [Value] = []
            for item in sequence { items.append(try value(item, &budget)) }
            return Value(.list(items), at: position)
        case .mapping(let mapping):
            var entries: [Value.Entry] = []
            for (key, item) in mapping {
                entries.append(.init(key: try keyValue(key), value: try value(item, &budget)))
            }
            return Value(.map(entries), at: position)
        case .alias:
            throw Problem("this alias could not be resolved", at: position)
        }
    }

    /// Keys are text whatever YAML makes of them. Their tags are not looked at: comparing keys has resolved them already.
    private static func keyValue(_ node: Node) throws(Problem) -> Value {
        let position = node.mark.map { Position(line: $0.line, column: $0.column) }
        guard case .scalar(let scalar) = node else { throw Problem("a key must be one word", at: position) }
        return Value(.text(scalar.string), at: position)
    }

    private static func shortened(_ tag: String) -> String {
        let standard = "tag:yaml.org,2002:"
        return tag.hasPrefix(standard) ? "!!" + tag.dropFirst(standard.count) : tag
    }

    private static func problem(of error: YamlError, in text: String) -> Problem {
        switch error {
        case .scanner(let context, let what, let mark, _), .parser(let context, let what, let mark, _),
            .composer(let context, let what, let mark, _):
            // The end of the padding is not a place in the file.
            let position = min(Position(line: mark.line, column: mark.column), end(of: text))
            if what == "but found another document" {
                return Problem("a second YAML document starts here; a job file is one document", at: position)
            }
            if character(at: position, in: text) == "\t" {
                return Problem("YAML cannot be indented with tabs; use spaces", at: position)
            }
            let sentence = [context?.text, what].compactMap { $0 }.joined(separator: ", ")
            return Problem("not YAML: \(sentence)", at: position)
        case .duplicatedKeysInMapping(let keys, let context):
            let first = Position(line: context.mark.line, column: context.mark.column)
            let key = keys.first ?? ""
            guard let second = repetition(of: key, after: first, in: text) else {
                return Problem("key '\(key)' is given twice in the same map", at: first)
            }
            return Problem("key '\(key)' is given twice; the first is at line \(first.line)", at: second)
        case .reader(let what, let offset, _, _):
            return Problem("not YAML: \(what)", at: offset.map { end(of: String(text.prefix($0))) })
        default:
            return Problem("not YAML: \(error)")
        }
    }

    private static func end(of text: String) -> Position {
        let all = lines(text)
        return Position(line: all.count, column: (all.last?.unicodeScalars.count ?? 0) + 1)
    }

    private static func character(at position: Position, in text: String) -> Unicode.Scalar? {
        let all = lines(text)
        guard all.indices.contains(position.line - 1) else { return nil }
        return all[position.line - 1].unicodeScalars.dropFirst(position.column - 1).first
    }

    /// The library reports where a repeated key stands first. In a block map the next one is in the same column.
    private static func repetition(of key: String, after first: Position, in text: String) -> Position? {
        for (index, line) in lines(text).enumerated().dropFirst(first.line) {
            let rest = String(line.unicodeScalars.dropFirst(first.column - 1))
            guard line.unicodeScalars.prefix(first.column - 1).allSatisfy({ $0 == " " }) else { continue }
            for spelling in [key, "\"\(key)\"", "'\(key)'"] where rest.hasPrefix(spelling) {
                guard trimmed(rest.dropFirst(spelling.count)).hasPrefix(":") else { continue }
                return Position(line: index + 1, column: first.column)
            }
        }
        return nil
    }
}

/// The lines of a text. Not by `Character`, for which a carriage return and a newline are one.
func lines(_ text: String) -> [String] {
    text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
}

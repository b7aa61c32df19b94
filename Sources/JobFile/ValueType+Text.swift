// SPDX-License-Identifier: Apache-2.0

internal import JobModel

extension ValueType where Parsed == String {
    /// Any text that is not empty; a number stays the digits that were written.
    static func text(_ phrase: String, _ placeholder: String) -> Self {
        Self(phrase, placeholder, schema: ["type": ["string", "integer"]], write: { .string($0) }) {
            value throws(Problem) in
            let text = try value.text(phrase)
            guard !text.isEmpty else { throw value.problem("must not be empty") }
            return text
        }
    }

    /// Job names end up in file names, cgroup names and tables.
    static var jobName: Self {
        text("a name such as stress-test", "NAME").refusing { NameRule.problem(of: $0) }
    }

    /// What `sethostname(2)` and RFC 1123 both accept.
    static var hostname: Self {
        text("a host name such as node-1", "NAME").refusing { name in
            let letters = name.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x2d
                    || $0 == 0x2e
            }
            if !letters { return "a host name has letters, digits, '-' and '.' only" }
            return name.utf8.count > 64 ? "must not be longer than 64 characters" : nil
        }
    }
}

extension ValueType where Parsed == UInt32 {
    /// Octal whatever it looks like: `22`, `022`, `0022` and `0o22` are one mask.
    static var fileMask: Self {
        let phrase = "an octal mask from 0000 to 0777, such as 0027"
        return Self(
            phrase, "MASK", schema: ["type": ["string", "integer"], "pattern": "^(0o)?[0-7]{1,4}$"], write: octal
        ) {
            text throws(QuantityError) in
            let digits = text.hasPrefix("0o") ? text.dropFirst(2) : text[...]
            guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x37).contains($0) }),
                let mask = UInt32(digits, radix: 8), mask <= 0o777
            else { throw QuantityError(text, "expected \(phrase)") }
            return mask
        }

        @Sendable func octal(_ mask: UInt32) -> JSON {
            let digits = String(mask, radix: 8)
            return .string(String(repeating: "0", count: max(0, 4 - digits.count)) + digits)
        }
    }
}

extension ValueType where Parsed: RawRepresentable<String> & CaseIterable & Sendable {
    /// One of a few words, such as `kill-job`; `noun` says of what, as in "unknown policy 'kill'".
    static func word(_ type: Parsed.Type, _ noun: String) -> Self {
        let words = type.allCases.map(\.rawValue)
        let phrase = words.dropLast().joined(separator: ", ") + " or " + words.suffix(1).joined()
        return Self(
            phrase, words.joined(separator: "|"), schema: ["enum": .array(words.map { .string($0) })],
            write: { .string($0.rawValue) }
        ) {
            value throws(Problem) in
            let text = try value.text(phrase)
            guard let parsed = Parsed(rawValue: text) else {
                throw value.problem(
                    "unknown \(noun) '\(text)'", suggestion: nearest(text, among: words), allowed: words)
            }
            return parsed
        }
    }
}

/// What argv and the environment take: the text as written, `1` and `yes` included.
private let anyScalar: JSON = ["type": ["string", "number", "boolean"]]

extension ValueType where Parsed == Command {
    /// One text for the shell, or a list that is executed as it is.
    static var command: Self {
        let phrase = "a list such as [stress, --vm, 1], or one text for /bin/sh -c"
        return Self(
            phrase, "COMMAND",
            schema: ["anyOf": [["type": "string"], ["type": "array", "minItems": 1, "items": anyScalar]]],
            write: written
        ) { value throws(Problem) in
            guard case .list(let items) = value.content else { return .shell(try shellText(value, phrase)) }
            var arguments: [String] = []
            for item in items { arguments.append(try item.text("a text for each argument")) }
            guard let program = arguments.first, !program.isEmpty else {
                throw value.problem("the command must not be empty")
            }
            return .arguments(arguments)
        }
    }

    static var script: Self {
        let phrase = "a block of shell commands"
        return Self(phrase, "TEXT", schema: ["type": "string"], write: written) { value throws(Problem) in
            let text = try shellText(value, phrase)
            // The shell would take the line for a comment and run, say, Python text line by line.
            if text.hasPrefix("#!"), !text.hasPrefix("#!/bin/sh\n") {
                throw value.problem(
                    "a script here is run by /bin/sh and its '#!' line has no effect; keep it in a file of its own with #JOB lines"
                )
            }
            return .shell(text)
        }
    }

    /// A script file and its arguments have no form of their own in a job file; the kernel executes the same list alike.
    @Sendable private static func written(_ command: Command) -> JSON {
        if case .shell(let text) = command { return .string(text) }
        return .array(command.arguments.map { .string($0) })
    }

    private static func shellText(_ value: Value, _ phrase: String) throws(Problem) -> String {
        let text = try value.text(phrase)
        guard !trimmed(text.filter { !$0.isNewline }).isEmpty else {
            throw value.problem("the command must not be empty")
        }
        return text
    }
}

extension ValueType where Parsed == [String: String] {
    static var environment: Self {
        let phrase = "a map such as {OMP_NUM_THREADS: 4}"
        return Self(
            phrase, "NAME=VALUE", schema: ["type": "object", "additionalProperties": anyScalar],
            fromFlag: { text throws(Problem) in .map([try pair(text, "NAME=VALUE")]) },
            write: { variables in
                .object(variables.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) })
            }
        ) { value throws(Problem) in
            var environment: [String: String] = [:]
            for entry in try value.entries(phrase) {
                let name = try entry.key.text("a variable's name")
                guard !name.isEmpty, !name.contains("=") else {
                    throw entry.key.problem("'\(name)' cannot be the name of an environment variable")
                }
                if case .none = entry.value.content {
                    throw entry.key.problem("\(name) has no value; write '' for an empty text")
                }
                guard environment.updateValue(try entry.value.text("a text"), forKey: name) == nil else {
                    throw entry.key.problem("'\(name)' is given twice")
                }
            }
            return environment
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

public import JobModel

extension JobFile {
    /// Reads the `#JOB` lines at the head of a script, which may be written in any language whose comments start with `#`.
    ///
    /// The job is the script itself: its command is ``Command/script(path:arguments:)`` with `file` as the path.
    public static func parse(script: String, file: String) throws(JobFileError) -> JobSpec {
        var draft = Draft(file: file)
        var firstCommand: Int?
        for (index, line) in lines(script).enumerated() {
            let number = index + 1
            let text = trimmed(line)
            if let firstCommand {
                guard isJobLine(line) else { continue }
                let message =
                    "this #JOB line comes after the first command (line \(firstCommand)) and would be ignored; move it above"
                draft.problems.append(Problem(message, at: Position(line: number, column: 1)))
            } else if isJobLine(line) {
                draft.read(jobLine: line, number)
            } else if looksLikeJobLine(text) {
                draft.problems.append(
                    Problem(
                        "this line would be ignored; write it as '#JOB --flag value'",
                        at: Position(line: number, column: 1)))
            } else if number == 1, line.hasPrefix("#!"), line.unicodeScalars.last == "\r" {
                draft.problems.append(
                    Problem(
                        "the file has Windows line endings, so the kernel would not find the interpreter; convert it, "
                            + "for example with dos2unix", at: .start))
            } else if !text.isEmpty, !text.hasPrefix("#") {
                firstCommand = number
            }
        }
        draft.apply()
        draft.spec.command = .script(path: file, arguments: [])
        return try draft.finish()
    }

    static func hasJobLines(_ text: String) -> Bool { lines(text).contains(where: isJobLine) }

    /// Only at the very start of a line, as with `#SBATCH`.
    private static func isJobLine(_ line: String) -> Bool {
        guard line.hasPrefix("#JOB") else { return false }
        guard let next = line.unicodeScalars.dropFirst(4).first else { return true }
        return next.isBlank
    }

    /// `# JOB --memory 1G`, `#job --memory 1G`, `#JOBS --memory 1G`: meant as settings, and silence would hide it.
    private static func looksLikeJobLine(_ text: String) -> Bool {
        guard text.hasPrefix("#") else { return false }
        let words = trimmed(text.dropFirst()).lowercased().split(separator: " ")
        guard words.count >= 2, words[1].hasPrefix("--") else { return false }
        return ["job", "jobs", "job:", "jobs:"].contains(words[0])
    }
}

extension Draft {
    fileprivate mutating func read(jobLine line: String, _ number: Int) {
        do throws(Problem) {
            let words = try Self.words(line, from: 4, number)
            var rest = words.map(\.text)[...]
            while let word = rest.first {
                let position = words[words.count - rest.count].position
                do throws(Problem) {
                    guard word.hasPrefix("--") else {
                        throw Problem("found '\(word)', expected a flag such as --memory 100M")
                    }
                    guard let flag = try Settings.take(from: &rest), let known = Settings.setting(flag: flag.flag)
                    else {
                        throw Settings.unknown(flag: String(word.prefix { $0 != "=" }))
                    }
                    // With `--memory=100M` the value is in the flag's own word.
                    let last = words[words.count - rest.count - 1].position
                    note(known.setting, known.negated, flag, at: position, valueAt: last)
                } catch {
                    problems.append(error.at(position))
                    // What follows may be a value or a flag; guessing would make noise.
                    return
                }
            }
        } catch {
            problems.append(error)
        }
    }

    private mutating func note(
        _ setting: Setting, _ negated: Bool, _ flag: Settings.Given, at position: Position, valueAt: Position
    ) {
        do throws(Problem) {
            let content: Value.Content
            switch (setting.isSwitch, flag.value) {
            case (true, let value?) where negated: throw Problem("takes no value, but was given '\(value)'")
            case (true, let value): content = .text(value ?? (negated ? "false" : "true"))
            case (false, let value): content = try setting.fromFlag(value ?? "")
            }
            // `--env` may be repeated, so only its own map can say what is given twice.
            if setting.adds {
                try setting.apply(Value(content, at: valueAt), as: flag.flag, to: &spec)
            } else {
                add(setting, Value(content, at: valueAt), as: flag.flag, at: position)
            }
        } catch {
            problems.append(error.under(flag.flag).at(valueAt))
        }
    }

    /// Splits a `#JOB` line into words. Quotes hold blanks together, a backslash takes the next character as it is,
    /// and a word that starts with `#` begins a comment. There are no variables.
    static func words(
        _ line: String, from start: Int, _ number: Int
    ) throws(Problem) -> [(text: String, position: Position)] {
        var words: [(text: String, position: Position)] = []
        var word: String.UnicodeScalarView?
        var begin = Position(line: number, column: start + 1)
        var quote: (mark: Unicode.Scalar, position: Position)?
        var escaped = false
        for (column, scalar) in line.unicodeScalars.enumerated().dropFirst(start) {
            let position = Position(line: number, column: column + 1)
            if word == nil {
                if scalar.isBlank { continue }
                if scalar == "#" { break }
                word = .init()
                begin = position
            }
            if escaped {
                word?.append(scalar)
                escaped = false
            } else if let open = quote {
                if scalar == open.mark {
                    quote = nil
                } else if scalar == "\\", open.mark == "\"" {
                    escaped = true
                } else {
                    word?.append(scalar)
                }
            } else if scalar == "\"" || scalar == "'" {
                quote = (scalar, position)
            } else if scalar == "\\" {
                escaped = true
            } else if scalar.isBlank {
                words.append((String(word ?? .init()), begin))
                word = nil
            } else {
                word?.append(scalar)
            }
        }
        if let quote { throw Problem("this quote is never closed", at: quote.position) }
        if let word { words.append((String(word), begin)) }
        return words
    }
}

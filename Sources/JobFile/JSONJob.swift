// SPDX-License-Identifier: Apache-2.0

public import JobModel

extension JobFile {
    /// The job as a job file in JSON: the keys and spellings of YAML, and only what differs from the defaults.
    ///
    /// ``parse(json:file:)`` reads the same job from it, with one exception: a script file comes back as the list that the
    /// kernel executes, because a job file has no other way to name one.
    public static func json(of spec: JobSpec) -> JSON {
        var members = members(of: spec, nil)
        for section in Settings.sections {
            let inner = Self.members(of: spec, section)
            if !inner.isEmpty { members.append(.init(section, .object(inner))) }
        }
        return .object(members)
    }

    private static func members(of spec: JobSpec, _ section: String?) -> [JSON.Member] {
        Settings.all.filter { $0.section == section }.compactMap { setting in
            setting.get(spec).map { JSON.Member(setting.key, $0) }
        }
    }

    /// Reads a job file in JSON, as strictly as one in YAML.
    ///
    /// Not as YAML, although that is said to include JSON: libyaml folds U+2028 and U+0085 in a text into blanks, and
    /// refuses surrogate pairs, DEL and keys of more than 1024 characters.
    /// - Parameter file: The name that stands in messages, and that names the job unless the text does.
    public static func parse(json text: String, file: String) throws(JobFileError) -> JobSpec {
        let json: JSON
        do throws(JSONError) { json = try JSON(parsing: text) } catch {
            let problem = Problem("not JSON: \(error.reason)", file: file, at: position(of: error.offset, in: text))
            throw JobFileError(.invalid, [problem])
        }
        return try parse(json: json, file: file)
    }

    /// The same for JSON that was read already, such as a part of a request.
    public static func parse(json: JSON, file: String) throws(JobFileError) -> JobSpec {
        var draft = Draft(file: file)
        do throws(Problem) { try draft.read(Value(json)) } catch { draft.problems.append(error) }
        draft.apply()
        if draft.problems.isEmpty { draft.checkCommand() }
        return try draft.finish()
    }

    private static func position(of offset: Int, in text: String) -> Position {
        let before = Array(text.utf8.prefix(offset))
        let line = before.split(separator: 0x0a, omittingEmptySubsequences: false)
        let column = String(decoding: line[line.count - 1], as: UTF8.self).unicodeScalars.count
        return Position(line: line.count, column: column + 1)
    }
}

extension Value {
    /// Numbers and Booleans become the text that stands for them, as in YAML. Where a text is wanted, JSON has strings:
    /// `1.10` is the number 1.1 there.
    fileprivate init(_ json: JSON) {
        switch json {
        case .null: self.init(.none)
        case .bool, .int, .number: self.init(.text(json.text()))
        case .string(let text): self.init(.text(text))
        case .array(let items): self.init(.list(items.map { Value($0) }))
        case .object(let members):
            self.init(.map(members.map { .init(key: Value(.text($0.key)), value: Value($0.value)) }))
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

public import JobModel

extension JobFile {
    /// Reads a YAML job file.
    ///
    /// - Parameter file: The name that stands in messages, and that names the job unless the text does.
    /// - Throws: Everything that is wrong, not only the first thing.
    public static func parse(yaml: String, file: String) throws(JobFileError) -> JobSpec {
        var draft = Draft(file: file)
        do throws(Problem) {
            guard let root = try YAMLDocument.read(yaml) else {
                throw Problem("the file is empty; a job needs at least a command", at: Position(line: 1, column: 1))
            }
            try draft.read(root)
        } catch {
            draft.problems.append(error)
        }
        draft.apply()
        if draft.problems.isEmpty { draft.checkCommand() }
        return try draft.finish()
    }
}

extension Draft {
    /// Notes what a whole document says, whichever notation it was in.
    mutating func read(_ root: Value) throws(Problem) {
        guard case .map(let entries) = root.content else { throw root.mismatch("keys such as 'command:'") }
        read(entries, section: nil)
    }

    private mutating func read(_ entries: [Value.Entry], section: String?) {
        for entry in entries {
            // YAMLDocument returns nothing but text as a key.
            guard case .text(let key) = entry.key.content else { continue }
            let position = entry.key.position
            if section == nil, Settings.sections.contains(key) {
                switch entry.value.content {
                case .map(let inner): read(inner, section: key)
                // A section whose every line is commented out.
                case .none: break
                case .text, .list:
                    problems.append(entry.value.mismatch("keys such as '\(Settings.keys(in: key)[0])'").under(key))
                }
            } else if let setting = Settings.setting(key, in: section) {
                add(setting, entry.value, as: key, at: position)
            } else {
                problems.append(unknown(key, in: section).at(position))
            }
        }
    }

    private func unknown(_ key: String, in section: String?) -> Problem {
        let place = section.map { " in \($0)" } ?? ""
        if key == "<<" { return Problem("merge keys ('<<') are not supported; write the keys out\(place)") }
        // The right word in the wrong place.
        if let setting = Settings.all.first(where: { $0.key == key && $0.section != section }) {
            return Problem(
                "'\(key)' belongs \(setting.section.map { "under '\($0)'" } ?? "at the top level, not\(place)")")
        }
        let keys = Settings.keys(in: section)
        let here = Settings.all.first { $0.section == section && $0.synonyms.contains(key) }?.key
        let elsewhere = Settings.all.first { $0.synonyms.contains(key) }?.path.joined(separator: ".")
        return Problem(
            "unknown key '\(key)'\(place)", suggestion: here ?? nearest(key, among: keys) ?? elsewhere, allowed: keys)
    }

    mutating func checkCommand() {
        let kinds = [["command"], ["script"]].filter(isGiven)
        if kinds.count > 1 {
            let position = kinds.compactMap { origins[$0] }.max()
            problems.append(Problem("a job has either 'command' or 'script', not both", at: position))
        } else if kinds.isEmpty {
            problems.append(
                Problem("there is no 'command' and no 'script', so nothing to run", at: Position(line: 1, column: 1)))
        }
    }
}

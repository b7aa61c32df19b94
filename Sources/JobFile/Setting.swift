// SPDX-License-Identifier: Apache-2.0

public import JobModel

/// One thing a job file, a `#JOB` line or a flag can say about a job.
///
/// Everything that has to know the settings is made from their one list, ``Settings/all``: the YAML reader, the `#JOB`
/// lines, the flags of `run` and `submit`, the JSON Schema, `docs/job-file.md` and the suggestions in error messages.
public struct Setting: Sendable {
    /// Where it stands in YAML: `["limits", "memory"]`.
    public let path: [String]
    /// The flag without its dashes; `nil` for what only a YAML file says.
    public let flag: String?
    /// What stands for the value in a usage line, `SIZE`; `nil` for a switch, which is written `--net` or `--no-net`.
    public let placeholder: String?
    /// What is accepted, as in "expected a size such as 100M".
    public let phrase: String
    /// One line for help texts and the reference.
    public let documentation: String
    /// A value in YAML.
    public let example: String
    /// What holds when nothing is said, as one would write it; `nil` when nothing holds.
    public let standard: String?
    /// The value's part of the JSON Schema.
    public let schema: JSON
    /// Other tools' words for the same thing, only for "did you mean".
    let synonyms: [String]
    let set: @Sendable (Value, inout JobSpec) throws(Problem) -> Void
    let fromFlag: @Sendable (String) throws(Problem) -> Value.Content
    /// The inverse of `set`: what a job file has to say for the job to be as it is; `nil` if it need not say anything.
    let get: @Sendable (JobSpec) -> JSON?

    /// The last part of the path: the key as it is written.
    public var key: String { path[path.count - 1] }
    /// The section it belongs to, `limits` or `isolation`; `nil` at the top level.
    public var section: String? { path.count > 1 ? path[0] : nil }
    /// `true` if a second flag adds to the first instead of replacing it, as `--env` does.
    public var adds: Bool { ["env", "io", "hugepages"].contains(key) }
    /// `true` if the flag takes no value.
    public var isSwitch: Bool { placeholder == nil }
    /// `--memory SIZE`, `--net`.
    public var usage: String? {
        flag.map { flag in
            // A switch is shown as what changes something.
            let word = isSwitch && standard == "true" ? "--no-\(flag)" : "--\(flag)"
            return placeholder.map { "\(word) \($0)" } ?? word
        }
    }

    init<T: Equatable & Sendable>(
        _ path: String, _ type: ValueType<T>, from source: @escaping @Sendable (JobSpec) -> T?, flag: String?? = .none,
        example: String, standard: String? = nil,
        synonyms: [String] = [], _ documentation: String, set: @escaping @Sendable (T, inout JobSpec) -> Void
    ) {
        let parts = path.split(separator: ".").map(String.init)
        self.path = parts
        self.flag = flag ?? parts[parts.count - 1]
        self.placeholder = type.placeholder
        self.phrase = type.phrase
        self.documentation = documentation
        self.example = example
        self.standard = standard
        self.schema = type.schema
        self.synonyms = synonyms
        self.fromFlag = type.fromFlag
        self.set = { value, spec throws(Problem) in
            if case .none = value.content { throw value.problem("has no value; expected \(type.phrase)") }
            set(try type.parse(value), &spec)
        }
        self.get = { spec in
            guard let value = source(spec), value != source(Self.untouched) else { return nil }
            return type.write(value)
        }
    }

    /// What holds when nothing is said. No job has an empty name, so every job says its own.
    private static let untouched = JobSpec(name: "")

    /// Closures and not key paths: a key path is built at run time, thirty of them at every start.
    init<T: Equatable & Sendable>(
        _ path: String, _ type: ValueType<T>, into target: @escaping @Sendable (T, inout JobSpec) -> Void,
        from source: @escaping @Sendable (JobSpec) -> T?, flag: String?? = .none, example: String,
        standard: String? = nil, synonyms: [String] = [],
        _ documentation: String
    ) {
        self.init(
            path, type, from: source, flag: flag, example: example, standard: standard, synonyms: synonyms,
            documentation,
            set: target)
    }

    /// Puts a value into a job; a problem is named after `name`, the word the user wrote.
    func apply(_ value: Value, as name: String, to spec: inout JobSpec) throws(Problem) {
        do throws(Problem) { try set(value, &spec) } catch { throw error.under(name).at(value.position) }
    }
}

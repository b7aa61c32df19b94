// SPDX-License-Identifier: Apache-2.0

public import JobModel

/// The list of everything that can be said about a job, and how flags are looked up in it.
public enum Settings {
    /// Every setting, in the order of the reference.
    public static let all: [Setting] = job + limits + isolation + queue

    /// The sections of a job file, in their order.
    static let sections: [String] = all.compactMap(\.section).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }

    /// The keys that may stand in a section, or at the top level.
    static func keys(in section: String?) -> [String] {
        all.filter { $0.section == section }.map(\.key) + (section == nil ? sections : [])
    }

    static func setting(_ key: String, in section: String?) -> Setting? {
        all.first { $0.section == section && $0.key == key }
    }

    /// The setting of a flag, with or without its dashes; `negated` for `--no-net`.
    public static func setting(flag: String) -> (setting: Setting, negated: Bool)? {
        let name = bare(flag)
        if let setting = all.first(where: { $0.flag == name }) { return (setting, false) }
        guard name.hasPrefix("no-"),
            let setting = all.first(where: { $0.isSwitch && $0.flag == String(name.dropFirst(3)) })
        else { return nil }
        return (setting, true)
    }

    /// Applies one flag: `apply(flag: "memory", value: "100M", to: &spec)`, `apply(flag: "--no-pid", value: nil, to: &spec)`.
    ///
    /// A later value replaces an earlier one. Maps add up: `env` by name, `io` by device, `hugepages` by page size.
    public static func apply(flag: String, value: String?, to spec: inout JobSpec) throws(Problem) {
        let name = "--" + bare(flag)
        guard let (setting, negated) = setting(flag: flag) else { throw unknown(flag: flag) }
        guard setting.isSwitch else {
            guard let value else { throw Problem("\(name) needs a value: \(setting.phrase)") }
            let content: Value.Content
            do throws(Problem) { content = try setting.fromFlag(value) } catch { throw error.under(name) }
            return try setting.apply(Value(content), as: name, to: &spec)
        }
        if negated, let value { throw Problem("\(name) takes no value, but was given '\(value)'") }
        try setting.apply(Value(.text(value ?? (negated ? "false" : "true"))), as: name, to: &spec)
    }

    /// A flag of a setting as it was written, and its value.
    public struct Given: Hashable, Sendable {
        public var flag: String
        public var value: String?

        public init(flag: String, value: String?) {
            self.flag = flag
            self.value = value
        }
    }

    /// Takes one flag and its value off the front of `arguments`: `--memory 100M`, `--memory=100M`, `--net`.
    ///
    /// - Returns: `nil`, with nothing taken, if the front is not the flag of a setting.
    public static func take(from arguments: inout ArraySlice<String>) throws(Problem) -> Given? {
        guard let first = arguments.first, first.hasPrefix("--") else { return nil }
        let name = String(first.prefix { $0 != "=" })
        guard let (setting, _) = setting(flag: name) else { return nil }
        arguments.removeFirst()
        if name.count < first.count { return Given(flag: name, value: String(first.dropFirst(name.count + 1))) }
        if setting.isSwitch { return Given(flag: name, value: nil) }
        guard let value = arguments.first, !value.hasPrefix("--") else {
            throw Problem("\(name) needs a value: \(setting.phrase)")
        }
        arguments.removeFirst()
        return Given(flag: name, value: value)
    }

    /// The problem of a flag that no setting has.
    public static func unknown(flag: String) -> Problem {
        let name = bare(flag)
        let synonym = all.first { $0.synonyms.contains(name) }?.flag
        let near = synonym ?? nearest(name, among: all.compactMap(\.flag))
        return Problem("unknown flag '--\(name)'", suggestion: near.map { "--" + $0 })
    }

    private static func bare(_ flag: String) -> String { String(flag.drop { $0 == "-" }) }
}

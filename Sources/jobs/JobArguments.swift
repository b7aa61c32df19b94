// SPDX-License-Identifier: Apache-2.0
import JobFile
import JobModel

/// The words after `jobs run` or `jobs submit`, understood: the verb's own flags, the job's settings, and what to run.
///
/// Not declared to ArgumentParser, because the settings are one list that job files, `#JOB` lines and flags share.
struct JobArguments: Equatable {
    enum Target: Equatable {
        case job(String, arguments: [String])
        case command([String])
    }

    /// A flag of the verb itself.
    struct OwnFlag {
        var flag: String
        var short: String?
        /// What stands for its value; `nil` for a switch.
        var placeholder: String?
        var documentation: String

        init(_ flag: String, short: String? = nil, placeholder: String? = nil, _ documentation: String) {
            self.flag = flag
            self.short = short
            self.placeholder = placeholder
            self.documentation = documentation
        }

        static let fromSlurm = OwnFlag(
            "--from-slurm", "read the common #SBATCH lines of a script that has no #JOB lines; the others are named")
        static let help = OwnFlag("--help", short: "-h", "show this text")
    }

    /// A request that is not one; exit code 64.
    struct UsageError: Error, CustomStringConvertible {
        var description: String
    }

    private(set) var target: Target?
    private(set) var settings: [Settings.Given] = []
    /// Of our own flags those that were given: `--quiet`, `--report=FILE`. A list of texts, because a dictionary's or a
    /// set's type has to come into being at run time, which is a good part of what reading `-- true` costs.
    private var own: [String] = []

    init(_ words: [String], own: [OwnFlag]) throws(UsageError) {
        // Our own words first: the settings' list takes half a millisecond to come into being, and need not for `-- true`.
        var rest = words[...]
        while let word = rest.popFirst() {
            guard word != "--" else {
                guard !rest.isEmpty else { throw UsageError(description: "there is no command after --") }
                target = .command(Array(rest))
                return
            }
            guard word.hasPrefix("-"), word != "-" else {
                // As sbatch has it: what follows the name is the job's, whatever it looks like.
                target = .job(word, arguments: Array(rest))
                return
            }
            let name = word.hasPrefix("--") ? String(word.prefix { $0 != "=" }) : word
            if let flag = own.first(where: { $0.flag == name || $0.short == name }) {
                try take(flag, word, &rest)
                if flag.flag == OwnFlag.help.flag { return }
            } else {
                rest = words[(rest.startIndex - 1)...]
                settings.append(try Self.setting(from: &rest))
            }
        }
    }

    private mutating func take(_ flag: OwnFlag, _ word: String, _ rest: inout ArraySlice<String>) throws(UsageError) {
        let given =
            word.hasPrefix("--") ? word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false) : []
        guard let placeholder = flag.placeholder else {
            guard given.count < 2 else { throw UsageError(description: "\(flag.flag) takes no value") }
            self.own.append(flag.flag)
            return
        }
        guard let value = given.count > 1 ? String(given[1]) : rest.popFirst() else {
            throw UsageError(description: "\(flag.flag) needs a value: \(placeholder)")
        }
        self.own.append("\(flag.flag)=\(value)")
    }

    private static func setting(from rest: inout ArraySlice<String>) throws(UsageError) -> Settings.Given {
        do throws(Problem) {
            if let given = try Settings.take(from: &rest) { return given }
        } catch { throw UsageError(description: error.description) }
        throw UsageError(description: Settings.unknown(flag: rest.first ?? "").description)
    }

    /// What the script says to another batch system; nothing of it is read unless that was asked for.
    var foreignLines: ForeignLines? {
        guard case .job(let name, _) = target, let path = try? JobFile.find(name) else { return nil }
        return ForeignLines(path: path)
    }

    /// Puts what a file says to another batch system below what stands on the command line.
    mutating func prepend(_ flags: [Settings.Given]) { settings = flags + settings }

    /// Flags that we know among the words behind the name: they go to the job, and may have been meant for us.
    func misplacedFlags(own: [OwnFlag]) -> [String] {
        guard case .job(_, let arguments) = target else { return [] }
        return arguments.prefix { $0 != "--" }.filter { $0.hasPrefix("--") }.map { String($0.prefix { $0 != "=" }) }
            .filter { flag in own.contains { $0.flag == flag } || Settings.setting(flag: flag) != nil }
    }

    func has(_ flag: String) -> Bool { own.contains(flag) }
    func value(of flag: String) -> String? {
        own.last { $0.hasPrefix(flag + "=") }.map { String($0.dropFirst(flag.count + 1)) }
    }
    var help: Bool { has(OwnFlag.help.flag) }
}

extension JobArguments {
    private static let nothing = "nothing to run: name a job, a file, or a command after --"

    /// The job to run: file or command, then the flags over it.
    func spec() throws -> JobSpec {
        var spec: JobSpec
        var words: [String] = []
        switch target {
        case nil: throw UsageError(description: Self.nothing)
        // Not by way of a source, which is a text to be read: that takes a tenth of what `-- true` costs.
        case .command(let command): spec = JobSpec(name: JobSource.name(of: command), command: .arguments(command))
        case .job(let name, let arguments):
            spec = try JobFile.load(path: JobFile.find(name))
            words = arguments
        }
        try JobSource.complete(&spec, arguments: words, flags: settings)
        return spec
    }

    /// The same, word for word, as the queue keeps it.
    func source() throws -> JobSource {
        switch target {
        case nil: throw UsageError(description: Self.nothing)
        case .command(let arguments): JobSource(command: arguments, flags: settings)
        case .job(let name, let arguments):
            try JobSource(path: JobFile.find(name), arguments: arguments, flags: settings)
        }
    }
}

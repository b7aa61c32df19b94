// SPDX-License-Identifier: Apache-2.0
import JobFile
import JobModel

/// The words after `jobs run`, understood: our own flags, the job's settings, and what to run.
///
/// Not declared to ArgumentParser, because the settings are one list that job files, `#JOB` lines and flags share.
struct RunArguments: Equatable {
    enum Target: Equatable {
        case job(String, arguments: [String])
        case command([String])
    }

    /// A request that is not one; exit code 64.
    struct UsageError: Error, CustomStringConvertible {
        var description: String
    }

    var target: Target?
    var settings: [Settings.Given] = []
    var report: String?
    var terminal = false
    var allowUnenforced = false
    var quiet = false
    var help = false

    /// Our own flags: word, placeholder of the value, what it does.
    static let ownFlags: [(flag: String, placeholder: String?, documentation: String)] = [
        ("--report", "FILE", "write the JSON record to FILE; - is standard output, after the job's own"),
        ("--tty", nil, "give the job a terminal of its own, for programs that want one"),
        ("--allow-unenforced", nil, "run although a limit cannot be enforced here; the record says which"),
        ("--quiet", nil, "no summary at the end"),
        ("--help", nil, "show this text"),
    ]

    init(_ words: [String]) throws(UsageError) {
        // Our own words first: the settings' list takes half a millisecond to come into being, and need not for `-- true`.
        var rest = words[...]
        while let word = rest.popFirst() {
            switch word {
            case "--":
                guard !rest.isEmpty else { throw UsageError(description: "there is no command after --") }
                target = .command(Array(rest))
                return
            case "--report":
                guard let file = rest.popFirst() else {
                    throw UsageError(description: "--report needs a file, or - for standard output")
                }
                report = file
            case _ where word.hasPrefix("--report="): report = String(word.dropFirst("--report=".count))
            case "--tty", "-t": terminal = true
            case "--allow-unenforced": allowUnenforced = true
            case "--quiet", "-q": quiet = true
            case "--help", "-h":
                help = true
                return
            case _ where word.hasPrefix("-") && word != "-":
                rest = words[(rest.startIndex - 1)...]
                settings.append(try setting(from: &rest))
            default:
                // What follows a job's name is for its script.
                target = .job(word, arguments: Array(rest.drop { $0 == "--" }))
                return
            }
        }
    }

    private func setting(from rest: inout ArraySlice<String>) throws(UsageError) -> Settings.Given {
        do throws(Problem) {
            if let given = try Settings.take(from: &rest) { return given }
        } catch { throw UsageError(description: error.description) }
        throw UsageError(description: Settings.unknown(flag: rest.first ?? "").description)
    }

    /// The job to run: file or command, then the flags over it.
    func spec() throws -> JobSpec {
        var spec: JobSpec
        switch target {
        case nil: throw UsageError(description: "nothing to run: name a job, a file, or a command after --")
        case .command(let arguments):
            let name = arguments.first.map { String($0.split(separator: "/").last ?? "job") } ?? "job"
            spec = JobSpec(name: name, command: .arguments(arguments))
        case .job(let name, let arguments):
            spec = try JobFile.load(path: JobFile.find(name))
            if !arguments.isEmpty { spec.command = try Self.append(arguments, to: spec) }
        }
        for given in settings {
            do throws(Problem) { try Settings.apply(flag: given.flag, value: given.value, to: &spec) } catch {
                throw UsageError(description: error.description)
            }
        }
        let problems = Settings.contradictions(in: spec)
        guard problems.isEmpty else {
            throw UsageError(description: problems.map(\.description).joined(separator: "\n"))
        }
        return spec
    }

    private static func append(_ arguments: [String], to spec: JobSpec) throws(UsageError) -> Command? {
        switch spec.command {
        case .arguments(let list): .arguments(list + arguments)
        case .script(let path, let own): .script(path: path, arguments: own + arguments)
        case .shell, nil:
            throw UsageError(
                description: "job '\(spec.name)' is shell text and takes no arguments; flags stand before its name")
        }
    }
}

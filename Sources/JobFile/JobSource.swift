// SPDX-License-Identifier: Apache-2.0

public import JobModel

/// What somebody said about a job, word for word: the text of a job file, and what stood on the command line over it.
///
/// The queue keeps this and not what it was understood to mean, because job files and flags are a contract that later
/// versions keep, and because it can be shown again as it was written.
public struct JobSource: Hashable, Sendable {
    /// YAML, JSON, or a script with `#JOB` lines.
    public var text: String
    /// Where it came from: names the job, stands in messages, and is what a script is executed by.
    public var path: String
    /// Whether the kernel can execute the script by itself.
    public var isExecutable: Bool
    /// Words after the job's name, for its command.
    public var arguments: [String]
    public var flags: [Settings.Given]

    /// Reads the job file at `path`.
    public init(path: String, arguments: [String] = [], flags: [Settings.Given] = []) throws(JobFileError) {
        text = try JobFile.text(of: path)
        self.path = absolute(path)
        isExecutable = JobFile.mayExecute(path)
        self.arguments = arguments
        self.flags = flags
    }

    /// A command as it stood after `--`.
    public init(command: [String], flags: [Settings.Given] = []) {
        let name = Self.name(of: command)
        text = JSON.object(["command": .array(command.map { .string($0) })]).text()
        path = name + ".json"
        isExecutable = false
        arguments = []
        self.flags = flags
    }

    /// What a job is called that is a command alone: the program.
    public static func name(of command: [String]) -> String {
        command.first.map { String($0.split(separator: "/").last ?? "job") } ?? "job"
    }

    /// The job it describes: the file, then the flags over it.
    public func spec() throws(JobSourceError) -> JobSpec {
        var spec: JobSpec
        do throws(JobFileError) {
            spec = try JobFile.parse(text: text, path: path, isExecutable: isExecutable)
        } catch { throw .file(error) }
        try Self.complete(&spec, arguments: arguments, flags: flags)
        return spec
    }

    /// The script that the job is; `nil` if it is a command or a job file.
    public var script: KeptScript? {
        guard !path.hasSuffix(".json"), JobFile.isScript(text, path: path),
            case .arguments(let words) = JobFile.command(script: absolute(path), text, isExecutable: false)
        else { return nil }
        return KeptScript(path: absolute(path), text: text, interpreter: Array(words.dropLast()))
    }

    /// Puts what stood on the command line over what a file said.
    public static func complete(
        _ spec: inout JobSpec, arguments: [String], flags: [Settings.Given]
    ) throws(JobSourceError) {
        if !arguments.isEmpty { spec.command = try append(arguments, to: spec) }
        for given in flags {
            do throws(Problem) { try Settings.apply(flag: given.flag, value: given.value, to: &spec) } catch {
                throw .usage(error.description)
            }
        }
        let problems = Settings.contradictions(in: spec)
        guard problems.isEmpty else { throw .usage(problems.map(\.description).joined(separator: "\n")) }
    }

    private static func append(_ arguments: [String], to spec: JobSpec) throws(JobSourceError) -> Command? {
        switch spec.command {
        case .arguments(let list): .arguments(list + arguments)
        case .script(let path, let own): .script(path: path, arguments: own + arguments)
        case .shell, nil:
            throw .usage("job '\(spec.name)' is shell text and takes no arguments; flags stand before its name")
        }
    }
}

/// Why a job's source makes no job: the file, or the words around it.
public enum JobSourceError: Error, CustomStringConvertible {
    case file(JobFileError)
    case usage(String)

    public var description: String {
        switch self {
        case .file(let error): error.description
        case .usage(let message): message
        }
    }
}

extension JobSource {
    /// The keys that an object of this type may have on the wire.
    public static let keys = ["text", "path", "executable", "arguments", "flags"]

    /// As the API carries it and the queue keeps it.
    public var json: JSON {
        .object([
            "text": .string(text), "path": .string(path), "executable": .bool(isExecutable),
            "arguments": .array(arguments.map { .string($0) }),
            "flags": .array(flags.map { .array([.string($0.flag), .string($0.value)]) }),
        ])
    }

    /// `nil` if something is missing or is not what it should be.
    public init?(_ json: JSON) {
        guard let text = json["text"]?.stringValue else { return nil }
        self.text = text
        path = json["path"]?.stringValue ?? "job.yaml"
        isExecutable = json["executable"]?.boolValue ?? false
        arguments = []
        for value in json["arguments"]?.arrayValue ?? [] {
            guard let word = value.stringValue else { return nil }
            arguments.append(word)
        }
        flags = []
        for value in json["flags"]?.arrayValue ?? [] {
            guard let pair = value.arrayValue, let flag = pair.first?.stringValue, pair.count <= 2 else { return nil }
            flags.append(Settings.Given(flag: flag, value: pair.count == 2 ? pair[1].stringValue : nil))
        }
    }
}

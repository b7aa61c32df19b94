// SPDX-License-Identifier: Apache-2.0

public import JobModel

/// Job files: YAML, or a script with `#JOB` lines at its head.
public enum JobFile {
    /// Reads the job file at `path`.
    ///
    /// `.yaml` and `.yml` are YAML, whatever they start with: `#!/usr/bin/env -S jobs run` makes an executable job file.
    /// `.json` is JSON.
    /// Otherwise a file is a script if it starts with `#!`, is called `.sh` or `.py`, or has `#JOB` lines.
    public static func load(path: String) throws(JobFileError) -> JobSpec {
        try parse(text: text(of: path), path: path, isExecutable: mayExecute(path))
    }

    static func mayExecute(_ path: String) -> Bool { isExecutable(path) }

    /// The same for a text that was read already, perhaps by another process.
    static func parse(text: String, path: String, isExecutable: Bool) throws(JobFileError) -> JobSpec {
        if path.hasSuffix(".json") { return try parse(json: text, file: path) }
        guard isScript(text, path: path) else { return try parse(yaml: text, file: path) }
        var spec = try parse(script: text, file: path)
        spec.command = command(script: absolute(path), text, isExecutable: isExecutable)
        return spec
    }

    /// Of a text that is not JSON.
    static func isScript(_ text: String, path: String) -> Bool {
        let isYAML = path.hasSuffix(".yaml") || path.hasSuffix(".yml")
        return !isYAML
            && (text.hasPrefix("#!") || path.hasSuffix(".sh") || path.hasSuffix(".py") || hasJobLines(text))
    }

    /// How a script is executed: by the kernel if it can, else by the interpreter that it names or that its name tells.
    static func command(script path: String, _ text: String, isExecutable: Bool) -> Command {
        guard text.hasPrefix("#!") else {
            return .arguments([path.hasSuffix(".py") ? "python3" : "/bin/sh", path])
        }
        if isExecutable { return .script(path: path, arguments: []) }
        // As execve(2) splits the line: the interpreter, and everything after it as one argument.
        let line = trimmed(lines(text)[0].dropFirst(2))
        let interpreter = line.prefix { $0 != " " && $0 != "\t" }
        let argument = trimmed(line.dropFirst(interpreter.count))
        guard !interpreter.isEmpty else { return .arguments(["/bin/sh", path]) }
        return .arguments([String(interpreter)] + (argument.isEmpty ? [] : [argument]) + [path])
    }

    /// A repaired text would be another script than the one that was meant.
    private static func notUTF8(_ bytes: [UInt8]) -> Problem {
        let lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
        let line = (lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0) + 1
        return Problem(
            "line \(line) is not UTF-8; convert it, for example with iconv -f latin1 -t utf8, or run it as a command: "
                + "-- /bin/sh FILE")
    }

    static func text(of path: String) throws(JobFileError) -> String {
        do throws(Problem) {
            let bytes = try readFile(path)
            guard bytes.count <= largestJobFile else { throw Problem("is larger than 4 MiB, which no job file is") }
            guard !bytes.contains(0) else { throw Problem("is not text; to run a program, put it after '--'") }
            guard let text = String(validating: bytes, as: UTF8.self) else { throw notUTF8(bytes) }
            return text
        } catch {
            var problem = error
            problem.file = path
            throw JobFileError(.unreadable, [problem])
        }
    }
}

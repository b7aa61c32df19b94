// SPDX-License-Identifier: Apache-2.0

internal import Glibc

extension JobFile {
    /// What a job file's name may end in, in the order of the lookup.
    static let extensions = ["yaml", "yml", "json", "sh", "py"]

    /// Where names are looked up: the project's `jobs`, the user's, the administrator's, the distribution's.
    ///
    /// - Parameter environment: The variables to go by; the process's own if left out.
    public static func folders(environment: ((String) -> String?)? = nil) -> [String] {
        let environment = environment ?? { getenv($0).map { String(cString: $0) } }
        var folders = ["./jobs"]
        // The XDG specification: a relative path here is to be ignored.
        if let configuration = environment("XDG_CONFIG_HOME"), configuration.hasPrefix("/") {
            folders.append(configuration + "/jobs/jobs")
        } else if let home = environment("HOME"), home.hasPrefix("/") {
            folders.append(home + "/.config/jobs/jobs")
        }
        return folders + ["/etc/jobs/jobs", "/usr/local/share/jobs/jobs", "/usr/share/jobs/jobs"]
    }

    /// The path of a job file from what a user typed.
    ///
    /// What contains `/` or ends in `.yaml`, `.yml`, `.json`, `.sh` or `.py` is a file, and only that file. Anything else is a name.
    ///
    /// - Parameter owners: the users whose files are taken for a name.
    public static func find(
        _ name: String, in folders: [String] = JobFile.folders(), of owners: NameOwners = .current
    ) throws(JobFileError) -> String {
        if name.contains("/") || hasJobExtension(name) {
            guard !isFile(name) else { return name }
            if isDirectory(name) { throw JobFileError(.notFound, [Problem("\(name) is a directory, not a job file")]) }
            throw notFound("no such file: \(name)", name, in: folders)
        }
        for folder in folders {
            for ending in extensions where isFile("\(folder)/\(name).\(ending)") {
                let path = "\(folder)/\(name).\(ending)"
                guard let objection = owners.objection(to: path, in: folder) else { return path }
                // The file of the next folder would be another job than the one that stands first.
                let message =
                    "for the name '\(name)' root takes no file of others: \(objection); if you mean it, write \(path)"
                throw JobFileError(.notFound, [Problem(message)])
            }
        }
        var message = "no job '\(name)'; looked for \(name).{\(extensions.joined(separator: ","))} in "
        message += folders.joined(separator: ", ")
        if isFile(name) { message += "; for the file of that name write ./\(name)" }
        throw notFound(message, name, in: folders)
    }

    /// The names that ``find(_:in:)`` would find, sorted, each once.
    public static func names(in folders: [String] = JobFile.folders()) -> [String] {
        let files = folders.flatMap { entries(of: $0) }.filter { !$0.hasPrefix(".") && hasJobExtension($0) }
        return Set(files.map(stem)).sorted()
    }

    private static func notFound(_ message: String, _ name: String, in folders: [String]) -> JobFileError {
        let last = name.split(separator: "/").last.map(String.init) ?? name
        let near = nearest(hasJobExtension(last) ? stem(last) : last, among: names(in: folders))
        return JobFileError(.notFound, [Problem(message, suggestion: near)])
    }

    private static func hasJobExtension(_ name: String) -> Bool { extensions.contains { name.hasSuffix("." + $0) } }

    private static func stem(_ name: String) -> String {
        name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
    }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobModel
import JobsAPI
import Linux
import Supervisor
import SystemPackage

/// What will make a job fail and can be seen when it is submitted, with the submitter's rights.
///
/// Told and not refused: until the job starts, a job before it may make the directory or install the program.
struct Foresight {
    let spec: JobSpec
    let submission: Submission

    var notices: [String] {
        directoryNotice + programNotice + accountNotices + deviceNotices + cpuNotice + exportNotice
    }

    private var directory: String {
        spec.directory.map { absolute($0, in: submission.directory) } ?? submission.directory
    }

    private func absolute(_ path: String, in directory: String) -> String {
        path.hasPrefix("/") ? path : directory + (directory.hasSuffix("/") ? "" : "/") + path
    }

    private var directoryNotice: [String] {
        switch kind(of: directory) {
        case .success(S_IFDIR): []
        case .success: ["\(directory) is no directory, so the job cannot start there"]
        case .failure(let error): ["the job cannot start in the directory \(directory) as it is now: \(error)"]
        }
    }

    /// By the path that the job will have, and not by the submitter's.
    private var programNotice: [String] {
        guard case .arguments(let words)? = spec.command, let program = words.first,
            kind(of: directory) == .success(S_IFDIR)
        else { return [] }
        guard !program.contains("/") else {
            let path = absolute(program, in: directory)
            switch kind(of: path) {
            case .failure(let error): return ["the command \(path) cannot be executed as it is now: \(error)"]
            case .success(S_IFDIR): return ["the command \(path) is a directory"]
            case .success: return isProgram(path) ? [] : ["the command \(path) may not be executed; chmod +x allows it"]
            }
        }
        let path = spec.environment["PATH"] ?? submission.environment["PATH"] ?? Submission.cleanPath
        guard find(program, in: path) == nil else { return [] }
        let own = getenv("PATH").map { String(cString: $0) } ?? ""
        let remedy =
            find(program, in: own).map { "yours finds \($0): --export PATH gives the job yours" }
            ?? "yours does not find it either"
        return ["'\(program.printable)' is not on the job's PATH (\(path)); \(remedy)"]
    }

    private func find(_ program: String, in path: String) -> String? {
        path.split(separator: ":", omittingEmptySubsequences: false)
            .map { absolute(($0.isEmpty ? "." : $0) + "/" + program, in: directory) }.first(where: isProgram)
    }

    private func isProgram(_ path: String) -> Bool { kind(of: path) != .success(S_IFDIR) && access(path, X_OK) == 0 }

    private var accountNotices: [String] {
        var notices: [String] = []
        if let user = spec.user, Account.find(user) == nil {
            notices.append("there is no user '\(user)' on this machine")
        }
        if let group = spec.group, UInt32(group) == nil, getgrnam(group) == nil {
            notices.append("there is no group '\(group)' on this machine")
        }
        return notices
    }

    private var deviceNotices: [String] {
        let paths =
            (spec.limits.devices ?? []).compactMap { if case .path(let path) = $0.target { path } else { nil } }
            + spec.limits.io.map(\.device).filter { $0.hasPrefix("/") }
        return paths.compactMap { path in
            if case .failure(let error) = kind(of: path) { "the device \(path) cannot be found: \(error)" } else { nil }
        }
    }

    private var cpuNotice: [String] {
        guard let wanted = spec.limits.cpuset, let text = try? Files.read("/sys/devices/system/cpu/online"),
            let online = try? IDSet(parsing: text.split(separator: "\n").first.map(String.init) ?? "")
        else { return [] }
        let missing = Set(wanted.ids).subtracting(online.ids)
        return missing.isEmpty ? [] : ["this machine has the CPUs \(online), and not \(IDSet(missing))"]
    }

    private var exportNotice: [String] {
        guard case .some(let items) = spec.export else { return [] }
        let unset = items.filter { $0.value == nil && submission.environment[$0.name] == nil }.map(\.name)
        return unset.isEmpty ? [] : ["--export names what is not set here: \(unset.joined(separator: ", "))"]
    }

    /// Its `S_IF…` bits.
    private func kind(of path: String) -> Result<mode_t, Errno> {
        Result { () throws(Errno) in try Files.status(path).st_mode & S_IFMT }
    }
}

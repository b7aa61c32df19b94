// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobFile
import JobModel
import JobsAPI
import Linux
import SystemPackage

/// Where and with what a job is submitted: what a batch user expects to find again when it runs.
enum Origin {
    static func submission(
        _ source: JobSource, _ spec: JobSpec
    ) throws(JobArguments.UsageError) -> Submission {
        let limits = limits
        return Submission(
            job: source.json, environment: try exported(spec.export),
            directory: try directory(for: spec), umask: Int(mask), rlimits: limits.soft, hardRlimits: limits.hard)
    }

    /// A variable that cannot be sent as it is would be another one, or none.
    private static func exported(_ policy: ExportPolicy) throws(JobArguments.UsageError) -> [String: String] {
        let own = OwnEnvironment()
        let harmed =
            switch policy {
            case .none: [String]()
            case .all: own.unreadable
            case .some(let items):
                own.unreadable.filter { name in items.contains { $0.name == name && $0.value == nil } }
            }
        guard harmed.isEmpty else {
            throw JobArguments.UsageError(
                description: "--export would send \(harmed.joined(separator: ", ")), of which the value is not UTF-8; "
                    + "name the variables that the job needs, or set them in a script")
        }
        return policy.exported(from: own.variables)
    }

    /// Where a job starts that says nothing of it, or a relative path. A directory that was removed is none: in the root, where
    /// nobody meant it to run, a job would read and remove other files.
    static func directory(for spec: JobSpec) throws(JobArguments.UsageError) -> String {
        do throws(Errno) { return try Files.currentDirectory() } catch {
            if spec.directory?.hasPrefix("/") == true { return "/" }
            throw JobArguments.UsageError(
                description:
                    error == .illegalByteSequence
                    ? "the name of the current directory is not UTF-8, and jobs would write another one; change to one that is, or name --directory"
                    : "the current directory cannot be used: \(error); change to one that exists, or name --directory")
        }
    }

    /// There is no call that only asks.
    private static var mask: mode_t {
        let mask = umask(0o077)
        umask(mask)
        return mask
    }

    /// By name; -1 is "unlimited".
    private static var limits: (soft: [String: Int], hard: [String: Int]) {
        func number(_ value: rlim_t) -> Int { value == rlim_t.max ? -1 : Int(clamping: value) }
        var (soft, hard): ([String: Int], [String: Int]) = ([:], [:])
        for (name, resource) in resourceLimitNumbers {
            var limit = rlimit()
            guard getrlimit(__rlimit_resource_t(UInt32(resource)), &limit) == 0 else { continue }
            soft[name] = number(limit.rlim_cur)
            hard[name] = number(limit.rlim_max)
        }
        return (soft, hard)
    }
}

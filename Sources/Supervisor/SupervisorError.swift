// SPDX-License-Identifier: Apache-2.0
import Cgroups
import SystemPackage

/// Why an attempt could not be started; nothing has run.
package enum SupervisorError: Error, CustomStringConvertible {
    case cgroup(CgroupError)
    case unenforceable([Unenforceable])
    /// A request that this user or this kernel cannot be given.
    case refused(String, remedy: String)
    case system(operation: String, detail: String, Errno)
    /// The jobs-init that is copied for each attempt died over this one.
    case forkServerDied

    /// Whether nothing can be started because nothing can be written.
    package var isTheDisks: Bool {
        guard case .system(_, _, let errno) = self else { return false }
        return [.noSpace, .diskQuotaExceeded, .readOnlyFileSystem, .ioError].contains(errno)
    }

    package var description: String {
        switch self {
        case .cgroup(let error): return error.description
        case .unenforceable(let limits):
            let lines = limits.map { "cannot enforce \($0.limit): \($0.reason); \($0.remedy)" }
            return lines.joined(separator: "\n")
                + "\nnothing was started; --allow-unenforced runs it all the same and says so in the record"
        case .refused(let reason, let remedy): return "\(reason); \(remedy)"
        case .forkServerDied: return "the jobs-init that is copied for each job was killed; try again"
        case .system(let operation, let detail, let errno): return "cannot \(operation) \(detail): \(errno)"
        }
    }
}

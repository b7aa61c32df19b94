// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobsAPI
import Linux
import Queue
import Sandbox
import Supervisor

/// The surroundings of a submission, as an attempt has them.
extension SubmissionContext {
    /// A clean environment and what was exported over it.
    func environment(for account: Account?) -> [String: String] {
        var result = ["PATH": Submission.cleanPath, "LANG": "C.UTF-8"]
        if let account {
            result["HOME"] = account.home
            result["USER"] = account.name
            result["LOGNAME"] = account.name
            result["SHELL"] = account.shell
        }
        return result.merging(exported) { _, new in new }
    }

    /// The hard limit that a job may have: the submitter's and the daemon's, whichever is less. A limit must not be raised by
    /// submitting a job.
    func most(of name: String) -> UInt64? {
        resourceLimitNumbers[name].map { number in
            min(hardRlimits[name].map(Self.value) ?? .max, hardLimit(of: number))
        }
    }

    private static func value(_ limit: Int) -> UInt64 { limit < 0 ? UInt64(rlim_t.max) : UInt64(limit) }

    var resourceLimits: [Plan.ResourceLimitValue] {
        var rlimits = rlimits
        // The daemon has raised its own. 1024 is the kernel's default (INR_OPEN_CUR), beyond which select(2) writes past
        // its sets.
        if rlimits["nofile"] == nil { rlimits["nofile"] = 1024 }
        return rlimits.compactMap { name, value in
            guard let number = resourceLimitNumbers[name], let hard = most(of: name) else { return nil }
            return Plan.ResourceLimitValue(resource: number, soft: min(Self.value(value), hard), hard: hard)
        }.sorted { $0.resource < $1.resource }
    }
}

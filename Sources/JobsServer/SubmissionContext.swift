// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobModel
import JobsAPI
import Linux
import Sandbox
import Supervisor

/// Where and with what a job was submitted: what a batch user expects to find again when it runs.
package struct SubmissionContext: Sendable {
    var directory: String
    /// What the submitter exports. Never logged.
    var exported: [String: String]
    var umask: UInt32?
    /// Soft limits by name.
    var rlimits: [String: Int]
    var hardRlimits: [String: Int]

    /// As the store keeps it and as the wire carries it.
    init(parsing text: String) throws { try self.init(JSON(parsing: text)) }

    init(_ json: JSON) throws(QueueError) {
        guard let directory = json["directory"]?.stringValue, directory.hasPrefix("/") else {
            throw .malformed(key: "directory", expected: "be an absolute path: where the job starts")
        }
        self.directory = directory
        exported = [:]
        for member in json["environment"]?.objectValue ?? [] {
            guard let value = member.value.stringValue, !member.key.isEmpty, !member.key.contains("="),
                !member.key.contains("\0"), !value.contains("\0")
            else { throw .malformed(key: "environment", expected: "map names to texts") }
            exported[member.key] = value
        }
        umask = (json["umask"]?.intValue).flatMap { (0...0o777).contains($0) ? UInt32($0) : nil }
        rlimits = Self.limits(json["rlimits"])
        hardRlimits = Self.limits(json["hard_rlimits"])
    }

    private static func limits(_ json: JSON?) -> [String: Int] {
        var limits: [String: Int] = [:]
        for member in json?.objectValue ?? [] {
            if let value = member.value.intValue, resourceLimitNumbers[member.key] != nil { limits[member.key] = value }
        }
        return limits
    }

    var text: String {
        JSON.object([
            "directory": .string(directory),
            "environment": .dictionary(exported),
            "umask": .int(umask.map { Int($0) }),
            "rlimits": .dictionary(rlimits), "hard_rlimits": .dictionary(hardRlimits),
        ]).text()
    }

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

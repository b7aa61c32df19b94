// SPDX-License-Identifier: Apache-2.0
import JobModel
import Linux

/// The surroundings of a submission, which a batch user expects to find again when the job runs.
package struct SubmissionContext: Sendable {
    package var directory: String
    /// The environment that the submitter exports. Never logged.
    package var exported: [String: String]
    package var umask: UInt32?
    /// Soft limits by name.
    package var rlimits: [String: Int]
    package var hardRlimits: [String: Int]

    /// As the store keeps it and as the wire carries it.
    package init(parsing text: String) throws { try self.init(JSON(parsing: text)) }

    package init(_ json: JSON) throws(QueueError) {
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

    package var text: String {
        JSON.object([
            "directory": .string(directory),
            "environment": .dictionary(exported),
            "umask": .int(umask.map { Int($0) }),
            "rlimits": .dictionary(rlimits), "hard_rlimits": .dictionary(hardRlimits),
        ]).text()
    }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobModel
import Linux
import SystemPackage

/// An operator's settings of the queue, which outlive the daemon in a small file.
package struct QueueSettings: Hashable, Sendable {
    /// Nothing new starts.
    package var isDraining = false
    /// The groups that were made by a request, and how many jobs of each run at once; `nil` for no limit.
    package var groups: [String: Int?] = [:]
    /// Whether a job of any other group is refused.
    package var isStrict = false

    /// The groups with a limit.
    package var limits: [String: Int] { groups.compactMapValues(\.self) }

    private static func path(_ stateDirectory: String) -> String { stateDirectory + "/settings.json" }

    /// The settings in the file, if there is one; a field of a newer version is passed over.
    ///
    /// - Throws: if it is there and cannot be understood. Without it a queue that was to drain would start everything, and
    ///   groups would be without their limits.
    package init(_ stateDirectory: String) throws(QueueSettingsError) {
        let path = Self.path(stateDirectory)
        guard let json = try Self.load(path) else { return }
        func wrong(_ reason: String) -> QueueSettingsError { QueueSettingsError(path: path, reason: reason) }
        guard json.objectValue != nil else { throw wrong("it is no object") }
        func isOn(_ key: String) throws(QueueSettingsError) -> Bool {
            guard let value = json[key] else { return false }
            guard let on = value.boolValue else { throw wrong("\"\(key)\" is neither true nor false") }
            return on
        }
        isDraining = try isOn("draining")
        isStrict = try isOn("strict_groups")
        guard let limits = json["groups"] else { return }
        guard let members = limits.objectValue else { throw wrong("\"groups\" is no object") }
        for member in members {
            guard member.value == .null || (member.value.intValue ?? -1) >= 0 else {
                throw wrong("the limit of the group \"\(member.key)\" is no whole number from 0 on")
            }
            groups[member.key] = .some(member.value.intValue)
        }
    }

    /// `nil` if there is no such file.
    private static func load(_ path: String) throws(QueueSettingsError) -> JSON? {
        let bytes: [UInt8]
        do throws(Errno) {
            // O_NONBLOCK: a FIFO in its place has nothing to read, and keeps nobody waiting.
            bytes = try Descriptor.open(path, O_RDONLY | O_NONBLOCK).readAll()
        } catch {
            if error == .noSuchFileOrDirectory { return nil }
            throw QueueSettingsError(path: path, reason: error.description)
        }
        do throws(JSONError) { return try JSON(parsing: bytes) } catch {
            throw QueueSettingsError(path: path, reason: error.description)
        }
    }

    /// Written beside and renamed, so that a crash leaves the old file or the new one.
    package func write(_ stateDirectory: String) throws(Errno) {
        let path = Self.path(stateDirectory)
        let json = JSON.object([
            "draining": .bool(isDraining), "strict_groups": .bool(isStrict),
            "groups": .object(groups.map { .init(key: $0.key, value: .int($0.value)) }.sorted { $0.key < $1.key }),
        ])
        let file = try Descriptor.open(path + ".new", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        try file.write(json.text() + "\n")
        try checked { withExtendedLifetime(file) { fsync(file.rawValue) } }
        try checked { rename(path + ".new", path) }
        // The rename is on disk when the directory is.
        let directory = try Descriptor.open(stateDirectory)
        try checked { withExtendedLifetime(directory) { fsync(directory.rawValue) } }
    }
}

/// The settings are there and cannot be understood.
package struct QueueSettingsError: Error, CustomStringConvertible {
    package var path: String
    package var reason: String

    package var description: String {
        "cannot read \(path), which holds the limits of groups and whether the queue drains: \(reason); "
            + "repair it, or remove it for a queue without limits that does not drain"
    }
}

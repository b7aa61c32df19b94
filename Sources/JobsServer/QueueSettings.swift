// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobModel
import Linux
import SystemPackage

/// What an operator has set of the queue and what outlives the daemon, as a small file beside it.
struct QueueSettings: Hashable, Sendable {
    /// Nothing new starts.
    var isDraining = false
    /// The groups that somebody has made, and how many jobs of each run at once; `nil` for no limit.
    var groups: [String: Int?] = [:]
    /// Whether a job of any other group is refused.
    var isStrict = false

    /// Those with a limit.
    var limits: [String: Int] { groups.compactMapValues(\.self) }

    private static func path(_ stateDirectory: String) -> String { stateDirectory + "/settings.json" }

    /// What is there; what a newer version has added is passed over.
    init(_ stateDirectory: String) {
        guard let text = try? Files.read(Self.path(stateDirectory)), let json = try? JSON(parsing: text) else { return }
        isDraining = json["draining"]?.boolValue ?? false
        isStrict = json["strict_groups"]?.boolValue ?? false
        for member in json["groups"]?.objectValue ?? [] { groups[member.key] = .some(member.value.intValue) }
    }

    /// Written beside and renamed, so that a crash leaves the old file or the new one.
    func write(_ stateDirectory: String) throws(Errno) {
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

// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobModel
import Linux
import SystemPackage

/// The named groups and how many of each may run at once, as a small file beside the queue.
enum GroupFile {
    static func read(_ stateDirectory: String) -> [String: Int] {
        guard let text = try? Files.read(stateDirectory + "/groups.json"), let json = try? JSON(parsing: text) else {
            return [:]
        }
        var groups: [String: Int] = [:]
        for member in json.objectValue ?? [] { groups[member.key] = member.value.intValue }
        return groups
    }

    /// Written beside and renamed, so that a crash leaves the old file or the new one.
    static func write(_ groups: [String: Int], _ stateDirectory: String) throws(Errno) {
        let path = stateDirectory + "/groups.json"
        let json = JSON.dictionary(groups)
        let file = try Descriptor.open(path + ".new", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        try file.write(json.text() + "\n")
        let raw = file.rawValue
        try checked { fsync(raw) }
        try checked { rename(path + ".new", path) }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import SystemPackage

/// The id maps of a new user namespace; see `user_namespaces(7)`.
enum UserMaps {
    /// Everybody keeps their number: who may map other ids maps all that exist here onto themselves, everybody else
    /// only their own.
    static func write(for pid: pid_t) throws(Errno) {
        let directory = "/proc/\(pid)"
        if Credentials.holds(Credentials.Number.setuid), Credentials.holds(Credentials.Number.setgid) {
            try Files.write(identity(of: Files.read("/proc/self/uid_map")), to: directory + "/uid_map")
            try Files.write(identity(of: Files.read("/proc/self/gid_map")), to: directory + "/gid_map")
        } else {
            try Files.write("deny", to: directory + "/setgroups")
            try Files.write("\(geteuid()) \(geteuid()) 1", to: directory + "/uid_map")
            try Files.write("\(getegid()) \(getegid()) 1", to: directory + "/gid_map")
        }
    }

    /// The map of a namespace below one that has `map`, in which every id of that one means the same.
    ///
    /// A container's user namespace knows some of the machine's ids only, and an id that is not known above cannot be mapped.
    static func identity(of map: String) -> String {
        map.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            return fields.count == 3 ? "\(fields[0]) \(fields[0]) \(fields[2])" : nil
        }.joined(separator: "\n")
    }
}

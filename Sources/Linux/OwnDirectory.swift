// SPDX-License-Identifier: Apache-2.0
import Glibc
import SystemPackage

/// Directories whose files a program trusts: of another user's making, a socket, a lock or a database could be anything.
package enum OwnDirectory {
    /// Why a directory is not taken; one clause with the remedy.
    package struct Objection: Error, Hashable, Sendable, CustomStringConvertible {
        package var description: String
    }

    /// Makes directories and those above them that are missing; one that is there must be this process's user's alone. After a
    /// refusal nothing is left of those that were made.
    ///
    /// - Returns: those that were not there.
    package static func make(_ paths: [String]) throws(Objection) -> [String] {
        // What root's daemon offers is everybody's to reach; a user's is nobody else's.
        let mode: mode_t = geteuid() == 0 ? 0o755 : 0o700
        var made: [String] = []
        do throws(Objection) {
            for path in paths {
                if try make(path, mode) { made.append(path) }
                try check(path, owners: [geteuid()])
            }
        } catch {
            remove(made)
            throw error
        }
        return made
    }

    private static func make(_ path: String, _ mode: mode_t) throws(Objection) -> Bool {
        do throws(Errno) { return try Files.makeDirectories(path, mode: mode) } catch {
            throw Objection(description: "cannot make the directory \(path): \(error)")
        }
    }

    /// Removes directories that were made, the last first. A directory that another process uses by now is not empty, and stays.
    package static func remove(_ made: [String]) {
        for path in made.reversed() { rmdir(path) }
    }

    /// - Parameter owners: the users of whom a directory is taken. A symbolic link to it may also be root's.
    package static func check(_ path: String, owners: Set<uid_t>) throws(Objection) {
        let (link, directory): (stat, stat)
        do throws(Errno) { (link, directory) = (try Files.linkStatus(path), try Files.status(path)) } catch {
            throw Objection(description: "cannot look at the directory \(path): \(error)")
        }
        for (status, owners) in [(link, owners.union([0])), (directory, owners)] where !owners.contains(status.st_uid) {
            let owner = getpwuid(status.st_uid).map { "'\(String(cString: $0.pointee.pw_name))'" } ?? "\(status.st_uid)"
            throw Objection(
                description:
                    "\(path) belongs to user \(owner), who could have put anything there; name another place with JOBS_STATE_DIR"
            )
        }
        // The user's own group is often the user alone.
        let isGroups = directory.st_mode & S_IWGRP != 0 && directory.st_gid != getegid()
        guard directory.st_mode & S_IWOTH == 0, !isGroups else {
            throw Objection(
                description:
                    "\(path) may be written by other users; `chmod go-w \(path)`, or name another place with JOBS_STATE_DIR"
            )
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The users whose job files are taken for a name alone.
///
/// `./jobs` comes first, so root in another user's directory would run a file that this user put there under the name of
/// one of the machine's jobs. As in git's `safe.directory`, the user who called `sudo` counts as root does. A file that is
/// named by its path is taken whoever owns it: its name says where it lies.
public struct NameOwners: Sendable {
    /// `nil`: everybody.
    let uids: Set<UInt32>?

    public static let everybody = NameOwners(uids: nil)

    /// The rule for this process.
    public static var current: NameOwners {
        of(user: geteuid(), sudoUser: getenv("SUDO_UID").map { String(cString: $0) })
    }

    /// The rule without the process around it.
    ///
    /// - Parameter sudoUser: the value of `SUDO_UID`, which `sudo(8)` sets.
    static func of(user: UInt32, sudoUser: String?) -> NameOwners {
        guard user == 0 else { return everybody }
        return NameOwners(uids: [0, sudoUser.flatMap { UInt32($0) } ?? 0])
    }

    /// The reason not to take `path`; `nil` if there is none.
    ///
    /// The folder and the directory that holds it count as well: their owners could put another file of root's there under
    /// this name, or another folder, also between this look and the reading.
    func objection(to path: String, in folder: String) -> String? {
        guard let uids else { return nil }
        for place in [path, folder, Self.directory(holding: folder)] {
            var (link, target) = (stat(), stat())
            guard lstat(place, &link) == 0, stat(place, &target) == 0 else { continue }
            for status in [link, target] where !uids.contains(status.st_uid) {
                return "\(place) belongs to \(Self.name(of: status.st_uid))"
            }
            if target.st_mode & S_IWOTH != 0 { return "\(place) may be written by everybody" }
        }
        return nil
    }

    /// Where the folder's name stands, which of a symbolic link is not `..`.
    private static func directory(holding folder: String) -> String {
        let parent = folder.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        return parent.isEmpty ? "/" : parent
    }

    private static func name(of uid: UInt32) -> String {
        getpwuid(uid).map { "user '\(String(cString: $0.pointee.pw_name))'" } ?? "user \(uid)"
    }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import Sandbox

/// A user of this machine, as `getpwnam(3)` knows them.
package struct Account: Hashable, Sendable {
    package var name: String
    package var uid: UInt32
    package var gid: UInt32
    package var home: String
    package var shell: String

    package static func find(_ nameOrNumber: String) -> Account? {
        let entry = uid_t(nameOrNumber).flatMap { getpwuid($0) } ?? getpwnam(nameOrNumber)
        return entry.map { Account($0.pointee) }
    }

    /// The user this process runs as.
    package static var current: Account {
        getpwuid(geteuid()).map { Account($0.pointee) }
            ?? Account(name: "\(geteuid())", uid: geteuid(), gid: getegid(), home: "/", shell: "/bin/sh")
    }

    private init(_ entry: passwd) {
        name = String(cString: entry.pw_name)
        uid = entry.pw_uid
        gid = entry.pw_gid
        home = String(cString: entry.pw_dir)
        shell = String(cString: entry.pw_shell)
    }

    private init(name: String, uid: UInt32, gid: UInt32, home: String, shell: String) {
        (self.name, self.uid, self.gid, self.home, self.shell) = (name, uid, gid, home, shell)
    }

    /// Primary and supplementary groups, as `initgroups(3)` would set them.
    func groups(primary: UInt32) -> [UInt32] {
        var count: CInt = 64
        var groups = [gid_t](repeating: 0, count: 64)
        while getgrouplist(name, primary, &groups, &count) < 0 { groups = [gid_t](repeating: 0, count: Int(count)) }
        return Array(groups.prefix(Int(count)))
    }

    /// Whom a job becomes, `nil` if it stays who we are: root may choose anybody, others only themselves.
    static func identity(
        user: String?, group: String?
    ) throws(SupervisorError) -> (account: Account, identity: Plan.Identity)? {
        guard user != nil || group != nil else { return nil }
        let current = Account.current
        guard let account = user.map({ find($0) }) ?? current else {
            throw .refused("there is no user '\(user ?? "")' on this machine", remedy: "`getent passwd` lists them")
        }
        var gid = account.gid
        if let group {
            guard let number = gid_t(group) ?? getgrnam(group)?.pointee.gr_gid else {
                throw .refused("there is no group '\(group)' on this machine", remedy: "`getent group` lists them")
            }
            gid = number
        }
        if current.uid != 0 {
            guard account.uid == current.uid, gid == current.gid else {
                throw .refused(
                    "only root may run a job as somebody else (user '\(account.name)')",
                    remedy: "leave `user` out, or use sudo")
            }
            return nil
        }
        return (account, Plan.Identity(uid: account.uid, gid: gid, groups: account.groups(primary: gid)))
    }
}

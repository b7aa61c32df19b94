// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Sandbox

extension Account {
    /// The user and groups that a job takes on; `nil` if it keeps those of the process. Root may choose anybody, others only
    /// themselves.
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
            guard let number = gid_t(group) ?? getgrnam(group)?.pointee.gr_gid, number != .max else {
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

// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A user of this machine, as `getpwnam(3)` knows them.
package struct Account: Hashable, Sendable {
    package var name: String
    package var uid: UInt32
    package var gid: UInt32
    package var home = "/"
    package var shell = "/bin/sh"

    /// By name or number. A number needs no entry in the user database: the kernel knows nothing else.
    package static func find(_ nameOrNumber: String) -> Account? {
        guard let uid = uid_t(nameOrNumber) else {
            return entry { entry, buffer, size, found in getpwnam_r(nameOrNumber, entry, buffer, size, found) }
        }
        // -1 to setresuid(2) means "as it is": a job of that user would stay root.
        guard uid != .max else { return nil }
        return of(uid) ?? Account(name: nameOrNumber, uid: uid, gid: uid)
    }

    /// The user with an entry in the database for that number.
    package static func of(_ uid: uid_t) -> Account? {
        entry { entry, buffer, size, found in getpwuid_r(uid, entry, buffer, size, found) }
    }

    /// The user this process runs as.
    package static var current: Account {
        of(geteuid()) ?? Account(name: "\(geteuid())", uid: geteuid(), gid: getegid())
    }

    /// The variants that many threads may call: the daemon asks on each connection.
    private static func entry(
        _ look: (
            UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
            UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
        ) -> CInt
    ) -> Account? {
        var size = 1024
        while true {
            var entry = passwd()
            var found: UnsafeMutablePointer<passwd>?
            var account: Account?
            let error = withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { buffer -> CInt in
                // The capacity is above 0, so there is an address.
                let error = look(&entry, buffer.baseAddress!, size, &found)
                account = found.map { Account($0.pointee) }
                return error
            }
            guard error == ERANGE, size < 1 << 20 else { return account }
            size *= 4
        }
    }

    private init(_ entry: passwd) {
        name = String(cString: entry.pw_name)
        uid = entry.pw_uid
        gid = entry.pw_gid
        home = String(cString: entry.pw_dir)
        shell = String(cString: entry.pw_shell)
    }

    private init(name: String, uid: UInt32, gid: UInt32) { (self.name, self.uid, self.gid) = (name, uid, gid) }

    /// Primary and supplementary groups, as `initgroups(3)` would set them.
    package func groups(primary: UInt32) -> [UInt32] {
        var count: CInt = 64
        var groups = [gid_t](repeating: 0, count: 64)
        while getgrouplist(name, primary, &groups, &count) < 0 { groups = [gid_t](repeating: 0, count: Int(count)) }
        return Array(groups.prefix(Int(count)))
    }
}

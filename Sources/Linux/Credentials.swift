// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import SystemPackage

/// A set of capability numbers; see `capabilities(7)`.
package struct CapabilitySet: Hashable, Sendable {
    package var mask: UInt64
    package init(mask: UInt64 = 0) { self.mask = mask }
    package func contains(_ number: Int) -> Bool { mask & (1 << UInt64(number)) != 0 }
}

/// Who a process is and what it may do. All calls act on the calling thread only, which is what a child before exec is.
package enum Credentials {
    /// Groups first, then gid, then uid: after the uid is gone the others may not be changed.
    package static func become(uid: uid_t, gid: gid_t, groups: [gid_t]?) throws(Errno) {
        if let groups { try setSupplementaryGroups(groups) }
        try syscall(Int(SYS_setresgid), Int(gid), Int(gid), Int(gid))
        try syscall(Int(SYS_setresuid), Int(uid), Int(uid), Int(uid))
    }

    /// Looks at files as somebody else would, and comes back. See `setfsuid(2)`, which also takes root's way around file
    /// permissions away for that time.
    package static func withFileAccess<Result>(
        of uid: uid_t, _ gid: gid_t, _ groups: [gid_t], _ body: () throws(Errno) -> Result
    ) throws(Errno) -> Result {
        let own = try supplementaryGroups()
        let (ownUID, ownGID) = (geteuid(), getegid())
        try setSupplementaryGroups(groups)
        _ = try? syscall(Int(SYS_setfsgid), Int(gid))
        _ = try? syscall(Int(SYS_setfsuid), Int(uid))
        defer {
            _ = try? syscall(Int(SYS_setfsuid), Int(ownUID))
            _ = try? syscall(Int(SYS_setfsgid), Int(ownGID))
            try? setSupplementaryGroups(own)
        }
        // These calls tell no error: what they return is the id from before.
        let (isUID, isGID) = (try syscall(Int(SYS_setfsuid), -1), try syscall(Int(SYS_setfsgid), -1))
        guard isUID == Int(uid), isGID == Int(gid) else { throw .notPermitted }
        return try body()
    }

    /// The groups of this process beside its own. See `getgroups(2)`.
    package static func supplementaryGroups() throws(Errno) -> [gid_t] {
        let count = try syscall(Int(SYS_getgroups), 0, 0)
        var groups = [gid_t](repeating: 0, count: count)
        let result = groups.withUnsafeMutableBufferPointer {
            clinux_syscall(Int(SYS_getgroups), $0.count, Int(bitPattern: $0.baseAddress), 0, 0, 0, 0)
        }
        if result < 0 { throw Errno(rawValue: CInt(-result)) }
        return groups
    }

    private static func setSupplementaryGroups(_ groups: [gid_t]) throws(Errno) {
        let result = groups.withUnsafeBufferPointer {
            clinux_syscall(Int(SYS_setgroups), $0.count, Int(bitPattern: $0.baseAddress), 0, 0, 0, 0)
        }
        if result < 0 { throw Errno(rawValue: CInt(-result)) }
    }

    /// Takes every capability outside `kept` out of the bounding set, so that no exec can bring it back.
    package static func limitBounding(to kept: CapabilitySet) throws(Errno) {
        for number in 0..<64 where !kept.contains(number) {
            do { try syscall(Int(SYS_prctl), Int(PR_CAPBSET_DROP), number) } catch {
                // EINVAL: the kernel knows no such capability, and none above it. EPERM: not ours to drop, nor to use.
                if error == .invalidArgument { return }
                if error != .notPermitted { throw error }
            }
        }
    }

    /// Exactly `kept` in the permitted, effective, inheritable and ambient sets, as far as they are held.
    package static func setCapabilities(_ kept: CapabilitySet) throws(Errno) {
        var header = __user_cap_header_struct(version: UInt32(_LINUX_CAPABILITY_VERSION_3), pid: 0)
        var data = try capabilities()
        let low = UInt32(truncatingIfNeeded: kept.mask) & data.0.permitted
        let high = UInt32(truncatingIfNeeded: kept.mask >> 32) & data.1.permitted
        data.0 = __user_cap_data_struct(effective: low, permitted: low, inheritable: low)
        data.1 = __user_cap_data_struct(effective: high, permitted: high, inheritable: high)
        try syscall(Int(SYS_prctl), Int(PR_CAP_AMBIENT), Int(PR_CAP_AMBIENT_CLEAR_ALL))
        try call(Int(SYS_capset), &header, &data)
        for number in 0..<64 where kept.contains(number) {
            _ = try? syscall(Int(SYS_prctl), Int(PR_CAP_AMBIENT), Int(PR_CAP_AMBIENT_RAISE), number)
        }
    }

    /// What this process holds.
    package static func permitted() throws(Errno) -> CapabilitySet {
        let data = try capabilities()
        return CapabilitySet(mask: UInt64(data.0.permitted) | UInt64(data.1.permitted) << 32)
    }

    /// Whether this process can use a capability now. Root in a container lacks some, and in a user namespace has them there.
    package static func holds(_ capability: Int) -> Bool {
        guard let data = try? capabilities() else { return false }
        return CapabilitySet(mask: UInt64(data.0.effective) | UInt64(data.1.effective) << 32).contains(capability)
    }

    /// The numbers of `<linux/capability.h>` that decide how a job is started.
    package enum Number {
        package static let setgid = 6
        package static let setuid = 7
        package static let sysAdmin = 21
        package static let setfcap = 31
        package static let bpf = 39
    }

    private static func capabilities() throws(Errno) -> (__user_cap_data_struct, __user_cap_data_struct) {
        var header = __user_cap_header_struct(version: UInt32(_LINUX_CAPABILITY_VERSION_3), pid: 0)
        var data = (__user_cap_data_struct(), __user_cap_data_struct())
        try call(Int(SYS_capget), &header, &data)
        return data
    }

    private static func call(
        _ number: Int, _ header: inout __user_cap_header_struct,
        _ data: inout (__user_cap_data_struct, __user_cap_data_struct)
    ) throws(Errno) {
        let result = withUnsafeMutablePointer(to: &header) { header in
            withUnsafeMutablePointer(to: &data) { data in
                clinux_syscall(number, header.address, data.address, 0, 0, 0, 0)
            }
        }
        if result < 0 { throw Errno(rawValue: CInt(-result)) }
    }

    /// Capabilities survive the change to another uid until the next exec or capset. See `PR_SET_KEEPCAPS`.
    package static func keepCapabilitiesAcrossUserChange() throws(Errno) {
        try syscall(Int(SYS_prctl), Int(PR_SET_KEEPCAPS), 1)
    }

    /// No exec of this process may gain anything from set-uid bits or file capabilities.
    package static func forbidNewPrivileges() throws(Errno) { try syscall(Int(SYS_prctl), Int(PR_SET_NO_NEW_PRIVS), 1) }

    /// Installs a classic-BPF seccomp program; `program` is an array of `struct sock_filter`.
    package static func installSeccomp(_ program: [UInt8]) throws(Errno) {
        var bytes = program
        let result = bytes.withUnsafeMutableBytes { buffer in
            var filter = sock_fprog(
                len: UInt16(buffer.count / MemoryLayout<sock_filter>.size),
                filter: buffer.baseAddress?.assumingMemoryBound(to: sock_filter.self))
            return withUnsafeMutablePointer(to: &filter) {
                clinux_syscall(Int(SYS_seccomp), Int(SECCOMP_SET_MODE_FILTER), 0, $0.address, 0, 0, 0)
            }
        }
        if result < 0 { throw Errno(rawValue: CInt(-result)) }
    }

    /// Others of the same user may neither trace this process nor read its memory.
    package static func makeUndumpable() throws(Errno) { try syscall(Int(SYS_prctl), Int(PR_SET_DUMPABLE), 0) }

    /// Orphans below this process become its children. See `PR_SET_CHILD_SUBREAPER`.
    package static func becomeSubreaper() throws(Errno) { try syscall(Int(SYS_prctl), Int(PR_SET_CHILD_SUBREAPER), 1) }
}

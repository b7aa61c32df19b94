// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import SystemPackage

/// Calls that change the mount namespace.
package enum Mounts {
    /// See `mount(2)`.
    package static func mount(
        _ source: String, on target: String, type: String? = nil, flags: UInt = 0, options: String? = nil
    ) throws(Errno) {
        try checked { Glibc.mount(source, target, type, flags, options) }
    }

    /// Makes `path` and everything mounted below it read-only. See `mount_setattr(2)` (5.12).
    package static func makeReadOnlyRecursively(_ path: String) throws(Errno) {
        var attributes = clinux_mount_attr()
        attributes.attr_set = UInt64(CLINUX_MOUNT_ATTR_RDONLY)
        let result = withUnsafePointer(to: &attributes) { attributes in
            path.withCString { path in
                clinux_syscall(
                    Int(SYS_mount_setattr), Int(AT_FDCWD), path.address, Int(CLINUX_AT_RECURSIVE), attributes.address,
                    MemoryLayout<clinux_mount_attr>.size, 0)
            }
        }
        if result < 0 { throw Errno(rawValue: CInt(-result)) }
    }

    /// A bind mount of `path` on itself that cannot be written through.
    package static func bindReadOnly(_ path: String) throws(Errno) {
        try mount(path, on: path, flags: UInt(MS_BIND) | UInt(MS_REC))
        try remountReadOnly(path)
    }

    /// Makes one mount read-only, and good for nothing but reading.
    package static func remountReadOnly(_ path: String) throws(Errno) {
        try mount(
            "none", on: path,
            flags: UInt(MS_BIND) | UInt(MS_REMOUNT) | UInt(MS_RDONLY) | UInt(MS_NOSUID) | UInt(MS_NODEV)
                | UInt(MS_NOEXEC))
    }
}

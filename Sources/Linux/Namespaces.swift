// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import SystemPackage

/// Kinds of namespaces; the raw values are the kernel's `CLONE_NEW*` flags.
package struct Namespaces: OptionSet, Hashable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package static let mount = Namespaces(rawValue: UInt64(CLONE_NEWNS))
    package static let uts = Namespaces(rawValue: UInt64(CLONE_NEWUTS))
    package static let ipc = Namespaces(rawValue: UInt64(CLONE_NEWIPC))
    package static let user = Namespaces(rawValue: UInt64(CLONE_NEWUSER))
    package static let pid = Namespaces(rawValue: UInt64(CLONE_NEWPID))
    package static let net = Namespaces(rawValue: UInt64(CLONE_NEWNET))
    package static let cgroup = Namespaces(rawValue: UInt64(CLONE_NEWCGROUP))
    package static let time = Namespaces(rawValue: UInt64(CLONE_NEWTIME))

    // The set's own functions, because those of every OptionSet look the type up at run time: in a copy of jobs-init, each
    // time for the first time.
    package func contains(_ other: Namespaces) -> Bool { rawValue & other.rawValue == other.rawValue }
    package func intersection(_ other: Namespaces) -> Namespaces { Namespaces(rawValue: rawValue & other.rawValue) }
    package func subtracting(_ other: Namespaces) -> Namespaces { Namespaces(rawValue: rawValue & ~other.rawValue) }

    /// Whether this process's PID namespace is the machine's, whose numbers the kernel log has. The inode is fixed:
    /// `PROC_PID_INIT_INO` of the kernel's <linux/proc_ns.h>.
    package static let isInitialPID = (try? Files.readLink("/proc/self/ns/pid")) == "pid:[4026531836]"

    /// Whether `/proc` shows this process's PID namespace, and not another one as after `unshare --pid` alone.
    package static let isOfProc = (try? Files.readLink("/proc/self")) == "\(getpid())"

    /// Moves this process into new ones. See `unshare(2)`.
    package func unshare() throws(Errno) { try syscall(Int(SYS_unshare), Int(rawValue)) }
}

package func setHostName(_ name: String) throws(Errno) {
    try checked { sethostname(name, name.utf8.count) }
}

package func bringLoopbackUp() throws(Errno) { try check(clinux_loopback_up()) }

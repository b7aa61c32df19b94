// SPDX-License-Identifier: Apache-2.0

/// The capabilities of Linux by name, without the `CAP_` prefix.
public enum Capability {
    /// In the order of their numbers in `<linux/capability.h>`, 0 to 40; the last one came with 5.9.
    public static let names = [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
        "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
        "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
        "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
        "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
        "CHECKPOINT_RESTORE",
    ]

    /// The word `default`: as podman gives them to root in a container, with AUDIT_WRITE, without which PAM refuses `su` where
    /// the kernel audits. None of them mounts, makes devices or traces, so that limits hold.
    public static let engineDefaults: Set<String> = [
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETFCAP", "SETGID",
        "SETPCAP", "SETUID", "SYS_CHROOT",
    ]

    /// The kernel's bit mask of a set of names.
    public static func mask(_ wanted: Set<String>) -> UInt64 {
        var mask: UInt64 = 0
        for (number, name) in names.enumerated() where wanted.contains(name) { mask |= 1 << UInt64(number) }
        return mask
    }
}

/// Which capabilities an attempt keeps.
public enum KeptCapabilities: Hashable, Sendable {
    /// By their names without the `CAP_` prefix, upper case.
    case named(Set<String>)
    /// As many as there are to give, also newer ones than ``Capability/names``.
    case all

    public func contains(_ name: String) -> Bool {
        switch self {
        case .named(let names): names.contains(name)
        case .all: true
        }
    }
}

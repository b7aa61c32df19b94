// SPDX-License-Identifier: Apache-2.0
import CSeccomp
import Glibc
import Linux
import SystemPackage

/// The default system-call filter: a batch job needs none of these, and each was a way out of a sandbox once.
enum SeccompFilter {
    /// Refused with EPERM. Loading code into the kernel, its memory and clocks, other namespaces' keys and files,
    /// covert channels between jobs (keyrings, io_uring, AF_VSOCK below).
    static let refused = [
        "acct", "add_key", "bpf", "clock_adjtime", "clock_settime", "create_module", "delete_module", "fanotify_init",
        "finit_module", "init_module", "io_uring_enter", "io_uring_register", "io_uring_setup", "ioperm", "iopl",
        "kcmp",
        "kexec_file_load", "kexec_load", "keyctl", "lookup_dcookie", "move_mount", "nfsservctl", "open_by_handle_at",
        "open_tree",
        "perf_event_open", "pivot_root", "quotactl", "quotactl_fd", "reboot", "request_key", "settimeofday", "stime",
        "swapoff",
        "swapon", "syslog", "uselib", "userfaultfd", "vhangup", "vm86", "vm86old",
    ]

    /// The two programs, `struct sock_filter`s each.
    struct Programs: Hashable {
        var jobsInit: [UInt8]
        var command: [UInt8]
    }

    /// Compiles both. That costs about 0.2 ms, so a supervisor does it once.
    static func compile() throws(SupervisorError) -> Programs {
        Programs(jobsInit: try compile(refuseNeedless), command: try compile(refuseHarm))
    }

    private static func refuseNeedless(_ context: scmp_filter_ctx) {
        for name in refused { refuse(name, with: EPERM, in: context) }
        var vsock = scmp_arg_cmp(arg: 0, op: SCMP_CMP_EQ, datum_a: scmp_datum_t(AF_VSOCK), datum_b: 0)
        _ = seccomp_rule_add_array(context, error(EPERM), seccomp_syscall_resolve_name("socket"), 1, &vsock)
    }

    private static func refuseHarm(_ context: scmp_filter_ctx) {
        refuseCgroupNamespaces(context)
        // A process of jobs-init's user could give it, process 1, a limit on CPU time, at which the kernel kills it.
        var initProcess = scmp_arg_cmp(arg: 0, op: SCMP_CMP_EQ, datum_a: 1, datum_b: 0)
        _ = seccomp_rule_add_array(context, error(EPERM), seccomp_syscall_resolve_name("prlimit64"), 1, &initProcess)
    }

    /// In a cgroup namespace of its own a job could mount the tree anew, writable, and lift its own limits; on cgroup v1 also
    /// other jobs'. Only the owner of the namespace may mount it (`cgroup_get_tree`), so that one is what must not be had.
    ///
    /// clone3 has its flags in memory, where no filter reads: answered with ENOSYS, every libc calls clone instead.
    private static func refuseCgroupNamespaces(_ context: scmp_filter_ctx) {
        let flag = scmp_datum_t(Namespaces.cgroup.rawValue)
        for name in ["unshare", "clone"] {
            var newCgroup = scmp_arg_cmp(arg: 0, op: SCMP_CMP_MASKED_EQ, datum_a: flag, datum_b: flag)
            _ = seccomp_rule_add_array(context, error(EPERM), seccomp_syscall_resolve_name(name), 1, &newCgroup)
        }
        refuse("clone3", with: ENOSYS, in: context)
    }

    private static func error(_ errno: CInt) -> UInt32 { UInt32(0x0005_0000) | UInt32(errno) }

    private static func refuse(_ name: String, with errno: CInt, in context: scmp_filter_ctx) {
        let number = seccomp_syscall_resolve_name(name)
        // Not on this architecture, or newer than this libseccomp.
        if number == -1 { return }
        _ = seccomp_rule_add_array(context, error(errno), number, 0, nil)
    }

    private static func compile(_ addRules: (scmp_filter_ctx) -> Void) throws(SupervisorError) -> [UInt8] {
        guard let context = seccomp_init(0x7fff_0000) else {
            throw .system(operation: "create", detail: "a seccomp filter", .noMemory)
        }
        defer { seccomp_release(context) }
        #if arch(x86_64)
        // 32-bit programs run under the same rules instead of being killed for their architecture.
        seccomp_arch_add(context, UInt32(SCMP_ARCH_X86))
        #endif
        addRules(context)
        do throws(Errno) {
            let file = try Descriptor.memory(name: "seccomp")
            let result = seccomp_export_bpf(context, file.rawValue)
            if result < 0 { throw Errno(rawValue: -result) }
            return try file.readAll()
        } catch {
            throw .system(operation: "export", detail: "the seccomp filter", error)
        }
    }
}

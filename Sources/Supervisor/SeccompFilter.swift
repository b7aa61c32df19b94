// SPDX-License-Identifier: Apache-2.0
import CSeccomp
import Cgroups
import Glibc
import JobModel
import Linux
import SystemPackage

/// The system-call filters of the profiles (decision 016). `SECURITY.md` says what each refuses; a test compares.
enum SeccompFilter {
    /// Refused with EPERM by every profile: a batch job needs none of these, and each was a way out of a sandbox once. Loading
    /// code into the kernel, its memory and clocks, other namespaces' files, covert channels between jobs (io_uring, AF_VSOCK
    /// below).
    static let refused = [
        "acct", "bpf", "clock_adjtime", "clock_settime", "create_module", "delete_module", "fanotify_init",
        "finit_module", "init_module", "io_uring_enter", "io_uring_register", "io_uring_setup", "ioperm", "iopl",
        "kcmp", "kexec_file_load", "kexec_load", "lookup_dcookie", "nfsservctl", "open_by_handle_at", "quotactl",
        "quotactl_fd", "reboot", "settimeofday", "stime", "swapoff", "swapon", "syslog", "uselib", "userfaultfd",
        "vhangup", "vm86", "vm86old",
    ]

    /// Answered with ENOSYS by every profile: keyrings are shared by all jobs of a user. Container runtimes go on without where
    /// the kernel has none, and give up where it refuses.
    static let keyrings = ["add_key", "keyctl", "request_key"]

    /// Let through by `nested`: a root directory of one's own, and perf.
    static let refusedUnlessNested = ["perf_event_open", "pivot_root"]

    /// The calls that replace mount(2), since 5.2: all of them or none. Refused one by one they end libmount's mount(8); with
    /// ENOSYS it falls back on mount(2). Their eighth, `open_tree_attr` (6.15), is newer than libseccomp, and stays: like
    /// mount(2) it changes only mounts over which the caller has CAP_SYS_ADMIN, and what it opens is mounted nowhere without
    /// the others. They are more of the kernel that a job reaches, and give it no more than mount(2) does.
    static let mounts = [
        "fsconfig", "fsmount", "fsopen", "fspick", "mount_setattr", "move_mount", "open_tree",
    ]

    /// The two programs, `struct sock_filter`s each.
    struct Programs: Hashable {
        var jobsInit: [UInt8]
        var command: [UInt8]
    }

    /// The input of a compilation.
    struct Rules: Hashable {
        var profile: SeccompProfile
        /// Only where the job starts in a leaf below its limits, which is then the most that it can mount. On v1 its limits are
        /// on the directory itself.
        var allowsCgroupNamespaces: Bool

        init(_ isolation: Isolation, _ mode: CgroupHost.Mode) {
            profile = isolation.seccomp
            allowsCgroupNamespaces = profile == .nested && isolation.cgroup && mode == .unified
        }
    }

    /// Compiles both. That costs about 0.2 ms, so a supervisor does it once for the same rules.
    ///
    /// - Precondition: the profile is not `off`, which has none.
    static func compile(_ rules: Rules) throws(SupervisorError) -> Programs {
        Programs(
            jobsInit: try compile { rules.profile == .nested ? refuseNeedless($0) : refuseMore($0) },
            command: try compile {
                if !rules.allowsCgroupNamespaces { refuseCgroupNamespaces($0) }
                refuseHarmToInit($0)
            })
    }

    private static func refuseNeedless(_ context: scmp_filter_ctx) {
        for name in refused { refuse(name, with: EPERM, in: context) }
        for name in keyrings { refuse(name, with: ENOSYS, in: context) }
        var vsock = scmp_arg_cmp(arg: 0, op: SCMP_CMP_EQ, datum_a: scmp_datum_t(AF_VSOCK), datum_b: 0)
        _ = seccomp_rule_add_array(context, error(EPERM), seccomp_syscall_resolve_name("socket"), 1, &vsock)
    }

    private static func refuseMore(_ context: scmp_filter_ctx) {
        refuseNeedless(context)
        for name in refusedUnlessNested { refuse(name, with: EPERM, in: context) }
        for name in mounts { refuse(name, with: ENOSYS, in: context) }
    }

    /// A process of jobs-init's user could give it, process 1, a limit on CPU time, at which the kernel kills it.
    private static func refuseHarmToInit(_ context: scmp_filter_ctx) {
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
        guard isKnown(name) else { return }
        _ = seccomp_rule_add_array(context, error(errno), seccomp_syscall_resolve_name(name), 0, nil)
    }

    /// `false` for a call that is newer than this libseccomp, which then has no rule.
    static func isKnown(_ name: String) -> Bool { seccomp_syscall_resolve_name(name) != -1 }

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

// SPDX-License-Identifier: Apache-2.0

internal import JobModel

extension Settings {
    /// What is kept apart from the rest of the machine.
    static let isolation: [Setting] = [
        Setting(
            "isolation.pid", .onOff, into: { $1.isolation.pid = $0 }, from: { $0.isolation.pid }, example: "false",
            standard: "true",
            synonyms: ["pidns"],
            "Own process numbers: the job sees and signals only itself, and nothing of it survives its end."),
        // Without a mount namespace there is nothing to mask paths in, so the default follows. A file that says both in
        // so many words is still contradicted: the settings are applied in the order of this list.
        Setting(
            "isolation.mount", .onOff, from: { $0.isolation.mount }, example: "false", standard: "true",
            synonyms: ["mnt", "mounts"],
            "Own mounts: what it mounts ends with it. What the machine mounts and unmounts meanwhile happens there, too, but not below /proc, /sys and /dev.",
            set: { on, spec in
                spec.isolation.mount = on
                if !on { spec.isolation.maskPaths = false }
            }),
        Setting(
            "isolation.uts", .onOff, into: { $1.isolation.uts = $0 }, from: { $0.isolation.uts }, example: "false",
            standard: "true",
            "Own host name."),
        Setting(
            "isolation.ipc", .onOff, into: { $1.isolation.ipc = $0 }, from: { $0.isolation.ipc }, example: "false",
            standard: "true",
            "Own System V IPC and POSIX message queues, freed at its end."),
        Setting(
            "isolation.shm", .word(SharedMemory.self, "kind of /dev/shm"), into: { $1.isolation.shm = $0 },
            from: { $0.isolation.shm }, example: "host", synonyms: ["dev-shm", "shared-memory", "shm-size"],
            "Which `/dev/shm` it has. `private`: its own, empty, gone at its end with all that was written there. "
                + "`host`: the machine's, where files stay. Private if left out, unless `ipc` or `mount` is off."),
        Setting(
            "isolation.net", .onOff, into: { $1.isolation.net = $0 }, from: { $0.isolation.net }, example: "true",
            standard: "false",
            synonyms: ["network"],
            "Own network with nothing but loopback: no access to the network at all."),
        Setting(
            "isolation.user", .onOff, into: { $1.isolation.user = $0 }, from: { $0.isolation.user }, flag: "userns",
            example: "true",
            standard: "false",
            synonyms: ["user-namespace"],
            "Own user namespace: privileges inside count for nothing outside. Everybody keeps their number."),
        Setting(
            "isolation.cgroup", .onOff, into: { $1.isolation.cgroup = $0 }, from: { $0.isolation.cgroup },
            example: "true", standard: "false",
            synonyms: ["cgroupns"],
            "Own view of the cgroup tree: a cgroup below the limited one is its root, and the job's to divide."),
        Setting(
            "isolation.time", .timeOffsets, into: { $1.isolation.time = $0 }, from: { $0.isolation.time },
            flag: "time-offset",
            example: "{monotonic: 10d, boottime: 10d}", synonyms: ["timens"],
            "Own monotonic and boot clocks, ahead of the machine's by these offsets."),
        Setting(
            "isolation.private-tmp", .onOff, into: { $1.isolation.privateTmp = $0 }, from: { $0.isolation.privateTmp },
            example: "true", standard: "false",
            synonyms: ["tmp", "tmpfs"],
            "Own empty `/tmp` and `/var/tmp` in memory, charged to the job and gone at its end; needs `isolation.mount`."
        ),
        Setting(
            "isolation.seccomp", .word(SeccompProfile.self, "profile"), into: { $1.isolation.seccomp = $0 },
            from: { $0.isolation.seccomp }, example: "nested", standard: "default", synonyms: ["no-seccomp"],
            "System calls that are refused. `default`: calls that no batch job needs, such as loading kernel modules. "
                + "`nested`: fewer, so that bwrap, podman, `unshare --mount-proc` and perf work in it. `off`: none, "
                + "for root's own jobs, which can then lift their limits."),
        Setting(
            "isolation.mask-paths", .onOff, into: { $1.isolation.maskPaths = $0 }, from: { $0.isolation.maskPaths },
            example: "false", standard: "true",
            synonyms: ["masked-paths"],
            "Hide the parts of `/proc` and `/sys` that tell about or change the machine; needs `isolation.mount`."),
        Setting(
            "isolation.capabilities", .capabilities, into: { $1.isolation.capabilities = $0 },
            from: { $0.isolation.capabilities },
            example: "[NET_ADMIN, SYS_PTRACE]",
            standard: "none", synonyms: ["caps", "cap-add", "capability"],
            "Capabilities it keeps, see capabilities(7), with or without `CAP_`; all others are dropped. `default`: those of root "
                + "in a container, for chown, su, tar and the like. `all`: what root itself has, also what lifts limits. In "
                + "the queue for root's own jobs."),
        Setting(
            "isolation.new-privileges", .onOff, into: { $1.isolation.newPrivileges = $0 },
            from: { $0.isolation.newPrivileges }, example: "true", standard: "false",
            synonyms: ["no-new-privs", "new-privs", "setuid"],
            "Let set-user-ID and set-group-ID programs such as sudo and mail gain their privileges; otherwise `no_new_privs` is "
                + "set. For root's own jobs."),
        Setting(
            "isolation.submit", .onOff, into: { $1.isolation.submit = $0 }, from: { $0.isolation.submit },
            example: "true", standard: "false",
            "Show it the queue's socket, to submit jobs of its own; otherwise its mounts hide all directories of jobsd."
        ),
        Setting(
            "isolation.init", .onOff, into: { $1.isolation.initProcess = $0 }, from: { $0.isolation.initProcess },
            example: "false", standard: "true",
            synonyms: ["init-process", "reaper"],
            "Run the command as a child of an init that reaps and passes signals on; `false` makes it process 1 itself."
        ),
    ]
}

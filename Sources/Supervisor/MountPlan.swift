// SPDX-License-Identifier: Apache-2.0
import JobModel
import Linux
import Sandbox

/// Decides which mounts a job gets, and their order. Pure: jobs-init carries the lists out.
struct MountPlan {
    let isolation: Isolation
    let namespaces: Namespaces
    /// The job's working directory.
    let directory: String
    let queues: QueueDirectories
    /// Whether the parts of `/proc` and `/sys` in which the kernel shows itself are hidden or read-only.
    let masks: Bool
    /// The job is uid 0 of the machine.
    ///
    /// To uid 0 belongs what a later `/proc` or `/sys` shows, wherever it is mounted, as for a chroot: `core_pattern` and the
    /// cgroups are written without a capability.
    let isMachinesRoot: Bool

    /// The mounts of jobs-init. Nothing may propagate before the mounts are slaves, nothing may arrive where it would be shown
    /// again before that place is private, and `/sys` becomes read-only last.
    var mounts: [Mount] {
        guard namespaces.contains(.mount) else { return [] }
        return separation + (isolation.initProcess ? proc : []) + devices + hiddenQueues + temporary + sys
    }

    /// The mounts of the command's process.
    ///
    /// - Parameter cgroup: the mount point of cgroup v2, if the job has a cgroup namespace.
    func commandMounts(cgroup: String?) -> [Mount] {
        guard namespaces.contains(.mount) else { return [] }
        return (cgroup.map(Self.ownCgroup) ?? []) + (isolation.initProcess ? [] : proc)
    }

    /// Nothing that is mounted here gets out, and what the host mounts and unmounts later happens here, too: a job holds no
    /// USB stick or file server that the host has let go.
    ///
    /// Not where the kernel shows itself: a cgroup hierarchy or binfmt_misc that the host mounts later would arrive writable, and
    /// a mask made by a bind of `/dev/null` would follow whatever is mounted on that. What is mounted on another mount of the
    /// job's own, such as a mask, goes beneath it (Linux 4.11).
    private var separation: [Mount] {
        if isMachinesRoot { return [Mount("/", .makePrivate)] }
        return [Mount("/", .makeSlaves)]
            + ["/proc", "/sys", "/dev"].map { Mount($0, .makePrivate, isOptional: true) }
    }

    /// A `/proc` of the new PID namespace, which is mounted from inside of it; hidden and frozen is what runc hides and freezes
    /// for every container, as far as it exists here.
    private var proc: [Mount] {
        var mounts: [Mount] = []
        if namespaces.contains(.pid) { mounts.append(Mount("/proc", .fileSystem(.init("proc", flags: .noExecution)))) }
        guard masks else { return mounts }
        for name in ["kcore", "keys", "latency_stats", "timer_list", "sched_debug"] {
            mounts.append(Mount("/proc/" + name, .emptyFile, isOptional: true))
        }
        for name in ["acpi", "asound", "scsi"] {
            mounts.append(Mount("/proc/" + name, .emptyDirectory, isOptional: true))
        }
        for name in ["bus", "fs", "irq", "sys", "sysrq-trigger"] {
            mounts.append(Mount("/proc/" + name, .readOnly, isOptional: true))
        }
        return mounts
    }

    private var devices: [Mount] {
        var mounts: [Mount] = []
        if isolation.hasPrivateSharedMemory {
            // Its files die with the mount, and their charge with them.
            mounts.append(
                Mount(
                    "/dev/shm", .fileSystem(.init("tmpfs", source: "shm", flags: .data, options: "mode=1777")),
                    isOptional: true))
        }
        if namespaces.contains(.ipc) {
            // The queues are the IPC namespace's, whichever mount they are seen through.
            mounts.append(Mount("/dev/mqueue", .fileSystem(.init("mqueue", flags: .noExecution)), isOptional: true))
        }
        return mounts
    }

    /// A job of jobs-init's user could write its own report and give orders to the jobs-init of another. A socket stays in
    /// sight with its directory, in which the next daemon makes another one.
    ///
    /// A directory that jobs-init cannot reach counts as not there: no job of its user's reaches it either.
    private var hiddenQueues: [Mount] {
        guard isolation.submit else { return queues.all.map { Mount($0, .emptyDirectory, isOptional: true) } }
        // Directories in which sockets are shown are made in it.
        let empty = Mount.FileSystem("tmpfs", flags: .noExecution, options: "size=4k,nr_inodes=8,mode=755")
        return queues.all.map { Mount($0, .fileSystem(empty), isOptional: true) }
            + queues.runtime.map {
                Mount($0, .directory($0 + "/" + QueueDirectories.socketFolder), isOptional: true)
            }
    }

    /// The working directory stays visible where it is, even if that is below the old `/tmp`.
    private var temporary: [Mount] {
        guard isolation.privateTmp else { return [] }
        return ["/tmp", "/var/tmp"].flatMap { path in
            [
                Mount(path, .fileSystem(.init("tmpfs", source: "tmp", flags: .data, options: "mode=1777"))),
                Mount(directory, .restored(below: path), isOptional: true),
            ]
        }
    }

    /// Root without capabilities still owns the cgroup files by uid: writable, it could raise its own limits.
    private var sys: [Mount] {
        (masks ? [Mount("/sys/firmware", .emptyDirectory, isOptional: true)] : []) + [Mount("/sys", .readOnlyTree)]
    }

    /// The job's own cgroup of v2, in place of the tree. Something else is mounted in between: the kernel refuses the same
    /// file system on its own mount point (EBUSY), and a user namespace may not take the inherited mount away.
    private static func ownCgroup(at path: String) -> [Mount] {
        [
            Mount(
                path, .fileSystem(.init("tmpfs", source: "none", flags: .noExecution, options: "size=4k,nr_inodes=1"))),
            Mount(path, .fileSystem(.init("cgroup2", flags: .noExecution))),
        ]
    }

    /// The job's own directories of v1. In a cgroup namespace `/proc/self/cgroup` says `/` of every hierarchy, and Java, Node and
    /// Go then look for the job's limits at the mount point, where those of the whole machine are.
    ///
    /// The mount points of the machine may not be there below another root directory.
    static func views(_ views: [(path: String, mountPoint: String)]) -> [Mount] {
        views.map { Mount($0.mountPoint, .replacement($0.path), isOptional: true) }
    }
}

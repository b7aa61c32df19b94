// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import Linux
import SystemPackage

/// The steps that build what the payload will see around it. They run in jobs-init, inside the new namespaces.
package struct Surroundings {
    let plan: Plan

    package init(_ plan: Plan) { self.plan = plan }

    /// The order matters: nothing may propagate before the mounts are slaves, nothing may arrive where it would be shown
    /// again before that place is private, and `/sys` becomes read-only last.
    package func build() throws(SetupFailure) {
        try nameHost()
        try bringUpNetwork()
        try separateMounts()
        if plan.initProcess { try mountProc() }
        try mountSharedMemory()
        try mountMessageQueues()
        // Before the working directory is carried over, which they may lie in.
        try hideQueues()
        try mountPrivateTmp()
        try protectSys()
        try shiftClocks()
    }

    private func nameHost() throws(SetupFailure) {
        guard plan.namespaces.contains(.uts), let name = plan.hostname else { return }
        try step("set the host name", name) { () throws(Errno) in try setHostName(name) }
    }

    private func bringUpNetwork() throws(SetupFailure) {
        guard plan.namespaces.contains(.net) else { return }
        try step("bring up the loopback interface", "lo") { () throws(Errno) in try bringLoopbackUp() }
    }

    /// To uid 0 belongs what a later `/proc` or `/sys` shows, wherever it is mounted, as for a chroot: `core_pattern` and the
    /// cgroups are written without a capability.
    private var isMachinesRoot: Bool {
        !plan.namespaces.contains(.user) && plan.identity?.uid ?? geteuid() == 0
    }

    /// Of what is mounted here nothing gets out, and what the host mounts and unmounts later happens here, too: a job holds no
    /// USB stick or file server that the host has let go.
    ///
    /// Not where the kernel shows itself: a cgroup hierarchy or binfmt_misc that the host mounts later would arrive writable, and
    /// a mask made by a bind of `/dev/null` would follow whatever is mounted on that. What is mounted on another mount of the
    /// job's own, such as a mask, goes beneath it (Linux 4.11).
    private func separateMounts() throws(SetupFailure) {
        guard plan.namespaces.contains(.mount) else { return }
        guard !isMachinesRoot else {
            return try step("make mounts private", "/") { () throws(Errno) in
                try Mounts.mount("none", on: "/", flags: UInt(MS_REC) | UInt(MS_PRIVATE))
            }
        }
        try step("make mounts slaves", "/") { () throws(Errno) in
            try Mounts.mount("none", on: "/", flags: UInt(MS_REC) | UInt(MS_SLAVE))
        }
        for path in ["/proc", "/sys", "/dev"] {
            try step("make mounts private", path) { () throws(Errno) in
                do throws(Errno) { try Mounts.mount("none", on: path, flags: UInt(MS_REC) | UInt(MS_PRIVATE)) } catch {
                    // No mount point, or not there: there is nothing to follow.
                    guard error == .invalidArgument || error == .noSuchFileOrDirectory else { throw error }
                }
            }
        }
    }

    /// A `/proc` of the new PID namespace; must be called from inside it.
    package func mountProc() throws(SetupFailure) {
        guard plan.namespaces.contains(.mount) else { return }
        if plan.namespaces.contains(.pid) {
            try step("mount", "/proc") { () throws(Errno) in
                try Mounts.mount(
                    "proc", on: "/proc", type: "proc", flags: UInt(MS_NOSUID) | UInt(MS_NODEV) | UInt(MS_NOEXEC))
            }
        }
        if plan.maskPaths { try maskProc() }
    }

    /// What runc hides and freezes for every container, as far as it exists here.
    private func maskProc() throws(SetupFailure) {
        for path in ["/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/sched_debug"] {
            try optionalStep("mask", path) { () throws(Errno) in
                try Mounts.mount("/dev/null", on: path, flags: UInt(MS_BIND))
            }
        }
        for path in ["/proc/acpi", "/proc/asound", "/proc/scsi"] { try hideDirectory(path) }
        for path in ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"] {
            try optionalStep("make read-only", path) { () throws(Errno) in try Mounts.bindReadOnly(path) }
        }
    }

    /// Shows an empty directory there: `/proc/tty/ldisc`, which the kernel has kept for its name since there is nothing in
    /// it (`proc_tty_init`). Where it is missing, a tmpfs, which takes twenty times as long to make and to go.
    private func hideDirectory(_ path: String) throws(SetupFailure) {
        try optionalStep("hide", path) { () throws(Errno) in
            if (try? Mounts.mount("/proc/tty/ldisc", on: path, flags: UInt(MS_BIND))) != nil { return }
            try Mounts.mount(
                "tmpfs", on: path, type: "tmpfs",
                flags: UInt(MS_RDONLY) | UInt(MS_NOSUID) | UInt(MS_NODEV) | UInt(MS_NOEXEC),
                options: "size=4k,nr_inodes=1")
        }
    }

    /// A job of jobs-init's user could write its own report and give orders to the jobs-init of another. A socket stays in
    /// sight with its directory, in which the next daemon makes another one.
    private func hideQueues() throws(SetupFailure) {
        guard plan.namespaces.contains(.mount) else { return }
        let sockets = plan.socketDirectories.compactMap { path in
            (try? Descriptor.open(path + "/" + Plan.socketFolder, CInt(CLINUX_O_PATH) | O_DIRECTORY)).map { (path, $0) }
        }
        let flags = UInt(MS_NOSUID) | UInt(MS_NODEV) | UInt(MS_NOEXEC)
        // What jobs-init cannot reach, neither can a job of its user's.
        for path in plan.hiddenDirectories where Files.exists(path) {
            if sockets.isEmpty {
                try hideDirectory(path)
            } else {
                try optionalStep("hide", path) { () throws(Errno) in
                    try Mounts.mount(
                        "tmpfs", on: path, type: "tmpfs", flags: flags, options: "size=4k,nr_inodes=8,mode=755")
                }
            }
        }
        for (path, socket) in sockets {
            try step("show the socket in", path) { () throws(Errno) in
                // Another of them may have hidden it.
                try Files.makeDirectories(path)
                try Mounts.mount("/proc/self/fd/\(socket.rawValue)", on: path, flags: UInt(MS_BIND))
                try Mounts.remountReadOnly(path)
            }
        }
    }

    /// Files in the job's own `/dev/shm` die with its mount, and their charge with them.
    private func mountSharedMemory() throws(SetupFailure) {
        guard plan.privateSharedMemory else { return }
        try optionalStep("mount", "/dev/shm") { () throws(Errno) in
            try Mounts.mount(
                "shm", on: "/dev/shm", type: "tmpfs", flags: UInt(MS_NOSUID) | UInt(MS_NODEV), options: "mode=1777")
        }
    }

    /// The queues are the IPC namespace's, whichever mount they are seen through.
    private func mountMessageQueues() throws(SetupFailure) {
        guard plan.namespaces.contains(.mount), plan.namespaces.contains(.ipc) else { return }
        try optionalStep("mount", "/dev/mqueue") { () throws(Errno) in
            try Mounts.mount(
                "mqueue", on: "/dev/mqueue", type: "mqueue", flags: UInt(MS_NOSUID) | UInt(MS_NODEV) | UInt(MS_NOEXEC))
        }
    }

    /// The working directory stays visible where it is, even if that is below the old `/tmp`.
    private func mountPrivateTmp() throws(SetupFailure) {
        guard plan.privateTmp else { return }
        let kept = openWorkingDirectory()
        for path in ["/tmp", "/var/tmp"] {
            try step("mount", path) { () throws(Errno) in
                try Mounts.mount(
                    "tmp", on: path, type: "tmpfs", flags: UInt(MS_NOSUID) | UInt(MS_NODEV), options: "mode=1777")
            }
            guard let kept, kept.path.hasPrefix(path + "/") || plan.directory.hasPrefix(path + "/") else { continue }
            let directory = plan.directory
            try step("keep the working directory", directory) { () throws(Errno) in
                // A link below the old one leads nowhere in the new one, and what is made here must not leave it.
                guard kept.path == directory else { throw .tooManySymbolicLinkLevels }
                try Files.makeDirectories(directory)
                try Mounts.mount(
                    "/proc/self/fd/\(kept.descriptor.rawValue)", on: directory, flags: UInt(MS_BIND) | UInt(MS_REC))
            }
        }
    }

    /// The working directory and where it really is; opened as the job's user would, who may not be let in. Entering it
    /// fails later then, and says so.
    private func openWorkingDirectory() -> (descriptor: Descriptor, path: String)? {
        let directory = plan.directory
        let open = { () throws(Errno) -> Descriptor in
            try Descriptor.open(directory, CInt(CLINUX_O_PATH) | O_DIRECTORY)
        }
        do throws(Errno) {
            let descriptor =
                if let identity = plan.identity {
                    try Credentials.withFileAccess(of: identity.uid, identity.gid, identity.groups, open)
                } else {
                    try open()
                }
            return (descriptor, try Files.readLink("/proc/self/fd/\(descriptor.rawValue)"))
        } catch { return nil }
    }

    /// Root without capabilities still owns the cgroup files by uid: writable, it could raise its own limits.
    private func protectSys() throws(SetupFailure) {
        guard plan.namespaces.contains(.mount) else { return }
        if plan.maskPaths { try hideDirectory("/sys/firmware") }
        try step("make read-only", "/sys") { () throws(Errno) in
            do throws(Errno) { try Mounts.makeReadOnlyRecursively("/sys") } catch {
                guard error == .noFunction else { throw error }
                try remountBelowSys()
            }
        }
    }

    /// Kernels before 5.12 have no `mount_setattr`: one remount per mount point. It sets all flags anew, and in a user
    /// namespace those that the mount has must be among them; nothing below `/sys` needs to be without.
    private func remountBelowSys() throws(Errno) {
        for line in try Files.read("/proc/self/mountinfo").split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 4, fields[4] == "/sys" || fields[4].hasPrefix("/sys/") else { continue }
            try Mounts.remountReadOnly(String(fields[4]))
        }
    }

    /// Offsets can be set only while the new time namespace is still empty, so jobs-init stays outside of it.
    private func shiftClocks() throws(SetupFailure) {
        guard plan.namespaces.contains(.time) else { return }
        let offsets = "monotonic \(plan.monotonicOffset) 0\nboottime \(plan.boottimeOffset) 0\n"
        try step("create a time namespace", "") { () throws(Errno) in try Namespaces.time.unshare() }
        try step("write", "/proc/self/timens_offsets") { () throws(Errno) in
            try Files.write(offsets, to: "/proc/self/timens_offsets")
        }
    }
}

/// Runs one step and names it in its failure.
func step(_ name: String, _ detail: String, _ body: () throws(Errno) -> Void) throws(SetupFailure) {
    do throws(Errno) { try body() } catch { throw SetupFailure(step: name, detail: detail, errno: error.rawValue) }
}

/// A step whose object need not exist on every machine.
func optionalStep(_ name: String, _ detail: String, _ body: () throws(Errno) -> Void) throws(SetupFailure) {
    do throws(Errno) { try body() } catch {
        if error == .noSuchFileOrDirectory || error == .notDirectory { return }
        throw SetupFailure(step: name, detail: detail, errno: error.rawValue)
    }
}

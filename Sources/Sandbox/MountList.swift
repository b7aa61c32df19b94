// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Glibc
import Linux
import SystemPackage

/// Carries out a list of mounts, in its order, in the mount namespace of the calling thread.
package struct MountList {
    private let mounts: [Mount]
    /// Before each target; empty for the process's own root.
    private let root: String
    /// The user with whose rights a working directory is opened; the process's own if `nil`.
    private let identity: Plan.Identity?

    package init(_ mounts: [Mount], root: String = "", identity: Plan.Identity? = nil) {
        (self.mounts, self.root, self.identity) = (mounts, root, identity)
    }

    package func perform() throws(SetupFailure) {
        // Before a mount hides any of them.
        let sources = mounts.map { source(of: $0.action, at: $0.target) }
        for (mount, source) in zip(mounts, sources) {
            let target = root + mount.target
            if mount.isOptional, !isThere(mount, source) { continue }
            try step(mount.step, mount.target) { () throws(Errno) in
                try perform(mount.action, at: target, source, mount.isOptional)
            }
        }
    }

    private func isThere(_ mount: Mount, _ source: Descriptor?) -> Bool {
        switch mount.action {
        // The target is made if it is not there.
        case .directory, .restored: source != nil
        case .replacement(let path): Files.exists(root + path)
        default: Files.exists(root + mount.target)
        }
    }

    private func perform(_ action: Mount.Action, at target: String, _ source: Descriptor?, _ isOptional: Bool)
        throws(Errno)
    {
        switch action {
        case .makePrivate: try propagate(UInt(MS_PRIVATE), at: target, isOptional)
        case .makeSlaves: try propagate(UInt(MS_SLAVE), at: target, isOptional)
        case .fileSystem(let system):
            try Mounts.mount(
                system.source, on: target, type: system.type, flags: system.flags, options: system.options)
        case .emptyDirectory: try hide(target)
        case .emptyFile: try Mounts.mount("/dev/null", on: target, flags: UInt(MS_BIND))
        case .readOnly: try Mounts.bindReadOnly(target)
        case .readOnlyTree:
            do throws(Errno) { try Mounts.makeReadOnlyRecursively(target) } catch {
                guard error == .noFunction else { throw error }
                try remountBelow(target)
            }
        case .directory:
            guard let source else { throw .noSuchFileOrDirectory }
            // Another mount may have hidden it.
            try Files.makeDirectories(target)
            try bind(source, on: target)
            try Mounts.remountReadOnly(target)
        case .restored(let hidden): try restore(source, at: target, below: root + hidden)
        case .replacement(let path): try replace(target, with: root + path)
        }
    }

    /// A path that is no mount point has nothing to follow.
    private func propagate(_ kind: UInt, at target: String, _ isOptional: Bool) throws(Errno) {
        do throws(Errno) {
            try Mounts.mount("none", on: target.isEmpty ? "/" : target, flags: UInt(MS_REC) | kind)
        } catch {
            guard isOptional, error == .invalidArgument else { throw error }
        }
    }

    /// Shows `/proc/tty/ldisc`, which the kernel has kept for its name since there is nothing in it (`proc_tty_init`). Where it
    /// is missing, a tmpfs, which takes twenty times as long to make and to go.
    private func hide(_ target: String) throws(Errno) {
        if (try? Mounts.mount(root + "/proc/tty/ldisc", on: target, flags: UInt(MS_BIND))) != nil { return }
        try Mounts.mount(
            "tmpfs", on: target, type: "tmpfs",
            flags: UInt(MS_RDONLY) | UInt(MS_NOSUID) | UInt(MS_NODEV) | UInt(MS_NOEXEC),
            options: "size=4k,nr_inodes=1")
    }

    /// Kernels before 5.12 have no `mount_setattr`: one remount per mount point. It sets all flags anew, and in a user
    /// namespace those that the mount has must be among them; nothing below `/sys` needs to be without.
    private func remountBelow(_ target: String) throws(Errno) {
        for line in try Files.read("/proc/self/mountinfo").split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 4, fields[4] == target || fields[4].hasPrefix(target + "/") else { continue }
            try Mounts.remountReadOnly(String(fields[4]))
        }
    }

    // MARK: Sources

    private func source(of action: Mount.Action, at target: String) -> Descriptor? {
        switch action {
        case .directory(let path): return try? open(path)
        case .restored:
            guard let identity else { return try? open(target) }
            // The job's user may not be let in. Entering it fails later then, and says so.
            return try? Credentials.withFileAccess(of: identity.uid, identity.gid, identity.groups) {
                () throws(Errno) in try open(target)
            }
        default: return nil
        }
    }

    private func open(_ path: String) throws(Errno) -> Descriptor {
        try Descriptor.open(root + path, Descriptor.pathOnly | O_DIRECTORY)
    }

    private func bind(_ source: Descriptor, on target: String, flags: UInt = 0) throws(Errno) {
        try Mounts.mount("/proc/self/fd/\(source.rawValue)", on: target, flags: UInt(MS_BIND) | flags)
    }

    private func restore(_ source: Descriptor?, at target: String, below hidden: String) throws(Errno) {
        guard let source else { return }
        let path = try Files.readLink("/proc/self/fd/\(source.rawValue)")
        guard path.hasPrefix(hidden + "/") || target.hasPrefix(hidden + "/") else { return }
        // A link below the old directory leads nowhere in the new one, and a directory that is made here must not leave it.
        guard path == target else { throw .tooManySymbolicLinkLevels }
        try Files.makeDirectories(target)
        try bind(source, on: target, flags: UInt(MS_REC))
    }

    /// In place of the mount and not over it: of two mounts in `mountinfo` Java takes the first (`CgroupSubsystemFactory`). A user
    /// namespace may not take an inherited mount away; there it is covered.
    private func replace(_ target: String, with path: String) throws(Errno) {
        // A mount moves from mount point to mount point, and this directory is in every `/proc`.
        let aside = root + "/proc/tty"
        try Mounts.mount(path, on: aside, flags: UInt(MS_BIND))
        try Mounts.remountReadOnly(aside)
        _ = umount2(target, CInt(MNT_DETACH))
        try Mounts.mount(aside, on: target, flags: UInt(MS_MOVE))
    }
}

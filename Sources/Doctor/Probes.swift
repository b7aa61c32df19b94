// SPDX-License-Identifier: Apache-2.0
import CLinux
import Cgroups
import Glibc
import Linux
import SystemPackage

/// What came of trying; nothing is left behind.
package struct Probes: Sendable {
    /// Feature id → whether the kernel takes the call.
    package var calls: [String: Presence] = [:]
    package var userNamespace = NamespaceFacts.UserNamespace.untried
    package var hasSystemdLibrary = true
    package var mayLoadBPF = true
    /// Our own cgroup in each hierarchy → the files of one that was made below it.
    package var made: [String: Set<String>] = [:]
    package var refusals: [Facts.Refusal] = []

    package init() {}

    static func run(_ host: CgroupHost?) -> Probes {
        var probes = Probes()
        // Arguments that no kernel accepts: it refuses them after it has found the call.
        probes.calls["clone3"] = presence(Int(SYS_clone3), 0, 0)
        probes.calls["pidfd"] = presence(Int(SYS_pidfd_open), -1, 0)
        probes.calls["close-range"] = presence(Int(SYS_close_range), 1, 0)
        // Without a filter to read: EFAULT from a kernel that would.
        probes.calls["seccomp"] = presence(Int(SYS_prctl), Int(PR_SET_SECCOMP), Int(SECCOMP_MODE_FILTER))
        probes.calls["mount-setattr"] = presence(Int(SYS_mount_setattr), -1, 0)
        probes.hasSystemdLibrary = loads("libsystemd.so.0")
        probes.userNamespace = tryUserNamespace()
        probes.mayLoadBPF = Host.mayLoadBPF
        if let host { probes.tryCgroups(host) }
        return probes
    }

    /// EPERM is what a container's filter answers instead of ENOSYS.
    private static func presence(_ call: Int, _ a: Int, _ b: Int) -> Presence {
        do throws(Errno) {
            try syscall(call, a, b)
            return .present
        } catch { return Presence(error != .noFunction && error != .notPermitted) }
    }

    private static func loads(_ library: String) -> Bool {
        guard let handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL) else { return false }
        dlclose(handle)
        return true
    }

    /// Makes a cgroup below our own in each hierarchy, looks at its files, starts a child in it, removes it.
    private mutating func tryCgroups(_ host: CgroupHost) {
        var paths = Set(host.v1.values.map(\.own))
        let unified = Facts.isSystemdRunning() ? host.unified?.own : host.divisible
        if let unified { paths.insert(unified) }
        for own in paths.sorted() {
            let path = "\(own)/jobs-doctor-\(getpid())"
            do throws(Errno) { try Files.makeDirectory(path) } catch {
                refusals.append(
                    Facts.Refusal(path: own, reason: error.description, isReadOnly: error == .readOnlyFileSystem))
                continue
            }
            defer { Self.remove(path) }
            made[own] = Set(((try? Files.list(path)) ?? []).map(\.name))
            if own == unified { calls["clone-into-cgroup"] = Self.tryCloneInto(path) }
        }
        // Where we may make none, a directory that is no cgroup: whoever knows the flag answers EBADF.
        if host.unified != nil, calls["clone-into-cgroup"] == nil {
            calls["clone-into-cgroup"] = Self.tryCloneInto("/proc")
        }
    }

    private static func tryCloneInto(_ path: String) -> Presence {
        guard let directory = try? Descriptor.open(path, O_RDONLY | O_DIRECTORY) else { return .unknown }
        do throws(Errno) {
            wait(for: try runChild(cgroup: directory.rawValue, shareMemory: false) { 0 })
            return .present
        } catch {
            switch error {
            case .noFunction, .invalidArgument, .argListTooLong, .notPermitted: return .absent
            case .badFileDescriptor: return .present
            // Permission, or a cgroup that takes no processes: says nothing about the kernel.
            default: return .unknown
            }
        }
    }

    /// The steps a job without root takes: namespaces, the map, a mount. Some systems allow the first and not the last.
    private static func tryUserNamespace() -> NamespaceFacts.UserNamespace {
        let (uid, gid) = (geteuid(), getegid())
        let steps: [(String, () throws -> Void)] = [
            ("unshare", { try Namespaces([.user, .mount]).unshare() }),
            (
                "write /proc/self/uid_map",
                {
                    try Files.write("deny", to: "/proc/self/setgroups")
                    try Files.write("\(uid) \(uid) 1", to: "/proc/self/uid_map")
                    try Files.write("\(gid) \(gid) 1", to: "/proc/self/gid_map")
                }
            ),
            ("mount", { try Mounts.mount("none", on: "/", flags: UInt(MS_REC) | UInt(MS_PRIVATE)) }),
        ]
        do throws(Errno) {
            let child = try runChild(shareMemory: false) {
                for (number, step) in steps.enumerated() {
                    do { try step.1() } catch { return CInt(number + 1) }
                }
                return 0
            }
            let code = wait(for: child).map { Int($0 >> 8) & 0xff } ?? 0
            return code == 0 ? .works : .fails("\(steps[min(code, steps.count) - 1].0) is refused in one")
        } catch { return .untried }
    }

    @discardableResult
    private static func wait(for pid: pid_t) -> CInt? {
        var status: CInt = 0
        return (try? checked { waitpid(pid, &status, 0) }) == nil ? nil : status
    }

    /// A v1 cgroup stays busy for some milliseconds after its last process.
    private static func remove(_ path: String) {
        for _ in 0..<50 {
            do throws(Errno) { try Files.removeDirectory(path) } catch {
                guard error == .resourceBusy else { return }
                usleep(2000)
                continue
            }
            return
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Linux
import SystemPackage

/// Which cgroup hierarchies this machine has, and where in them this process lives.
package struct CgroupHost: Hashable, Sendable {
    /// How systemd names the three layouts.
    package enum Mode: String, Hashable, Sendable {
        case unified, hybrid, legacy
    }

    /// One mounted hierarchy.
    package struct Hierarchy: Hashable, Sendable {
        package var mountPoint: String
        /// The directory of our own cgroup.
        package var own: String
    }

    package var unified: Hierarchy?
    package var v1: [Controller: Hierarchy]
    /// What the v2 hierarchy offers at its mount point. Never from `/proc/cgroups`: kernels from 6.12 leave rows out.
    package var v2Controllers: Set<Controller>

    package var mode: Mode {
        if unified == nil { return .legacy }
        return v1.isEmpty ? .unified : .hybrid
    }

    /// The interface a controller is usable through, `nil` if it is not.
    package func version(of controller: Controller) -> CgroupVersion? {
        if v1[controller] != nil { return .v1 }
        return v2Controllers.contains(controller) ? .v2 : nil
    }

    /// Reads `/proc/self/mountinfo` and `/proc/self/cgroup` below `procRoot`.
    package static func detect(procRoot: String = "/proc") throws(CgroupError) -> CgroupHost {
        let mounts: String
        let memberships: String
        do throws(Errno) { mounts = try Files.read(procRoot + "/self/mountinfo") } catch {
            throw CgroupError("read", procRoot + "/self/mountinfo", errno: error)
        }
        do throws(Errno) { memberships = try Files.read(procRoot + "/self/cgroup") } catch {
            throw CgroupError("read", procRoot + "/self/cgroup", errno: error)
        }
        var host = parse(mountinfo: mounts, memberships: memberships)
        guard host.unified != nil || !host.v1.isEmpty else {
            throw CgroupError(
                "find", "a mounted cgroup hierarchy",
                remedy: "mount one: mount -t cgroup2 none /sys/fs/cgroup (systemd does this at boot)")
        }
        if let unified = host.unified {
            host.v2Controllers = controllers(in: (try? Files.read(unified.mountPoint + "/cgroup.controllers")) ?? "")
        }
        return host
    }

    /// The pure part of ``detect(procRoot:)``; see `proc_pid_mountinfo(5)` and `cgroups(7)`.
    package static func parse(mountinfo: String, memberships: String) -> CgroupHost {
        var paths: [String: String] = [:]
        for line in memberships.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 3 else { continue }
            for name in fields[1].split(separator: ",", omittingEmptySubsequences: false) {
                paths[String(name)] = fields[2]
            }
        }
        var host = CgroupHost(unified: nil, v1: [:], v2Controllers: [])
        for line in cgroupLines(of: mountinfo) {
            let fields = line.split(separator: " ").map(String.init)
            guard let dash = fields.firstIndex(of: "-"), dash + 3 < fields.count, dash > 4 else { continue }
            let (root, mountPoint) = (unescape(fields[3]), unescape(fields[4]))
            switch fields[dash + 1] {
            case "cgroup2":
                // The first mount is the system's; a container runtime may have bound it again elsewhere. One on the same
                // mount point covers it.
                if host.unified.map({ $0.mountPoint == mountPoint }) ?? true, let own = paths[""] {
                    host.unified = Hierarchy(mountPoint: mountPoint, own: mountPoint + below(root, own))
                }
            case "cgroup":
                for option in fields[dash + 3].split(separator: ",") {
                    guard let controller = Controller(v1Name: String(option)), let own = paths[String(option)],
                        host.v1[controller].map({ $0.mountPoint == mountPoint }) ?? true
                    else { continue }
                    host.v1[controller] = Hierarchy(mountPoint: mountPoint, own: mountPoint + below(root, own))
                }
            default: continue
            }
        }
        return host
    }

    /// The lines that mount a cgroup hierarchy. By bytes, because a machine may have hundreds of mounts, and splitting
    /// all of them by characters takes a tenth of a short job's time.
    private static func cgroupLines(of mountinfo: String) -> [String] {
        Array(mountinfo.utf8).withUnsafeBufferPointer { bytes in
            bytes.split(separator: UInt8(ascii: "\n")).filter { line in
                // The separator field, then the file system's type: ` - cgroup2 `.
                var index = line.startIndex
                while index + 8 < line.endIndex {
                    if bytes[index] == UInt8(ascii: "-"), bytes[index + 2] == UInt8(ascii: "c"),
                        bytes[index + 3] == UInt8(ascii: "g")
                    {
                        return true
                    }
                    index += 1
                }
                return false
            }.map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// The v2 cgroup that we would divide where no systemd delegates one: our own, or the one above if it was divided before.
    package var divisible: String? {
        unified.map { Relocation.divisible($0.own, below: $0.mountPoint) }
    }

    /// The v2 controllers that can be had below the cgroup at `path` by handing them down from the top, which a cgroup with
    /// processes of its own keeps them from, except at the top.
    package func controllersWithinReach(of path: String) -> Set<Controller> {
        guard let top = unified?.mountPoint, path != top, path.hasPrefix(top + "/") else { return v2Controllers }
        let above = parentPath(path)
        let reach = controllersWithinReach(of: above)
        guard let directory = try? CgroupDirectory(path: above, version: .v2) else { return [] }
        if !directory.has("cgroup.type") || directory.processes.isEmpty,
            Files.isWritable(above + "/cgroup.subtree_control")
        {
            return reach
        }
        return reach.intersection(Self.controllers(in: directory.read("cgroup.subtree_control") ?? ""))
    }

    /// Whether our own v2 cgroup is systemd's to write: below its root, and delegated to nobody.
    ///
    /// systemd keeps itself in `init.scope`, and marks what it delegates with an extended attribute.
    package var isSystemdsTree: Bool {
        guard let unified, Files.exists(unified.mountPoint + "/init.scope") else { return false }
        var path = unified.own
        while path.hasPrefix(unified.mountPoint) {
            if Self.isMarkedDelegated(path) { return false }
            if path == unified.mountPoint { break }
            path = parentPath(path)
        }
        return true
    }

    /// Whether systemd has delegated the cgroup at `path`. Only root reads the first of the two attributes.
    package static func isMarkedDelegated(_ path: String) -> Bool {
        ["trusted.delegate", "user.delegate"].contains { Files.attribute($0, of: path)?.hasPrefix("1") == true }
    }

    /// The names in a `cgroup.controllers` file that we know.
    package static func controllers(in text: String) -> Set<Controller> {
        Set(text.split { $0 == " " || $0 == "\n" }.compactMap { Controller(rawValue: String($0)) })
    }

    /// `path` as seen below a mount whose root is `root`; empty for the root itself.
    private static func below(_ root: String, _ path: String) -> String {
        let top = root == "/" ? "" : root
        guard path != root, path.hasPrefix(top + "/") else { return "" }
        let rest = String(path.dropFirst(top.count))
        // Outside of what is mounted (a cgroup namespace entered later): the mount's root is the nearest we can see.
        return rest.split(separator: "/").contains("..") ? "" : rest
    }

    /// Spaces and the like are written as three octal digits.
    private static func unescape(_ text: String) -> String {
        guard text.contains("\\") else { return text }
        var out = ""
        var rest = text[...]
        while let character = rest.first {
            if character == "\\", let code = UInt8(rest.dropFirst().prefix(3), radix: 8) {
                out.unicodeScalars.append(Unicode.Scalar(code))
                rest = rest.dropFirst(4)
            } else {
                out.append(character)
                rest = rest.dropFirst()
            }
        }
        return out
    }
}

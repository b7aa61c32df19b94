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
        /// `false` if our cgroup lies outside of what is mounted, as where a cgroup namespace meets a mount from outside
        /// of it: `own` is then the top of the mount, which is a cgroup of somebody else.
        package var isOurs = true

        package init(mountPoint: String, own: String, isOurs: Bool = true) {
            self.mountPoint = mountPoint
            self.own = own
            self.isOurs = isOurs
        }

        fileprivate init(mountPoint: String, root: String, membership: String) {
            let below = CgroupHost.below(root, membership)
            self.init(mountPoint: mountPoint, own: mountPoint + (below ?? ""), isOurs: below != nil)
        }
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
        if procRoot == "/proc" { host.dropCovered() }
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

    /// Forgets hierarchies over which something else is mounted: every cgroup has this file, on both interfaces.
    private mutating func dropCovered() {
        func isThere(_ hierarchy: Hierarchy) -> Bool { Files.exists(hierarchy.mountPoint + "/cgroup.procs") }
        if let hierarchy = unified, !isThere(hierarchy) { unified = nil }
        v1 = v1.filter { isThere($0.value) }
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
                    host.unified = Hierarchy(mountPoint: mountPoint, root: root, membership: own)
                }
            case "cgroup":
                for option in fields[dash + 3].split(separator: ",") {
                    guard let controller = Controller(v1Name: String(option)), let own = paths[String(option)],
                        host.v1[controller].map({ $0.mountPoint == mountPoint }) ?? true
                    else { continue }
                    host.v1[controller] = Hierarchy(mountPoint: mountPoint, root: root, membership: own)
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
        unified.map { unified in
            Relocation.divisible(unified.own, below: unified.mountPoint) { path in
                // A cgroup whose file cannot be read is gone, and hands nothing down.
                ((try? Files.read(path + "/cgroup.subtree_control")) ?? "").contains { !$0.isWhitespace }
            }
        }
    }

    /// Every hierarchy; a v1 one with several controllers stands there for each.
    package var hierarchies: [Hierarchy] { Array(v1.values) + (unified.map { [$0] } ?? []) }

    /// Where the hierarchy is mounted that a cgroup belongs to.
    package func mountPoint(of path: String) -> String? {
        hierarchies.map(\.mountPoint)
            .filter { path == $0 || path.hasPrefix($0 + "/") }.max { $0.utf8.count < $1.utf8.count }
    }

    /// Whether a systemd manages the v2 tree, reachable or not: it keeps itself in `init.scope`.
    var hasSystemd: Bool { unified.map { Files.exists($0.mountPoint + "/init.scope") } ?? false }

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

    /// Whether a hierarchy of v1 with the memory controller is mounted in its usual place.
    package static var hasUsualMemoryHierarchy: Bool { Files.exists("/sys/fs/cgroup/memory/tasks") }

    /// Whether our own v2 cgroup is systemd's to write: below its root, and delegated to nobody.
    ///
    /// systemd marks what it delegates with an extended attribute.
    package var isSystemdsTree: Bool {
        guard let unified, hasSystemd else { return false }
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

    /// `path` as seen below a mount whose root is `root`; empty for the root itself, `nil` outside of what is mounted.
    fileprivate static func below(_ root: String, _ path: String) -> String? {
        let top = root == "/" ? "" : root
        if path == root { return "" }
        guard path.hasPrefix(top + "/") else { return nil }
        let rest = String(path.dropFirst(top.count))
        return rest.split(separator: "/").contains("..") ? nil : rest
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

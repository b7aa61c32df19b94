// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobModel
import Linux
import SystemPackage

/// The directories below which attempts get their cgroups, one per hierarchy.
package struct CgroupRoot: Sendable {
    package let host: CgroupHost
    /// Base directory of the v2 tree, where attempts and (on a unified host) our own leaf live.
    package let unifiedBase: String?
    package let v1Bases: [Controller: String]
    /// Controllers that attempts can use on v2.
    package let v2Controllers: Set<Controller>
    /// Where each jobs-init of a queued job starts on v2, out of reach of whoever ends our own cgroup.
    package var initDirectory: Descriptor?
    /// A change to the cgroups around us that their users should know of; one line, said once.
    package internal(set) var notice: String?
    let ancestry = Ancestry()
    /// Bases that are ours alone and go with us when they are empty.
    private let removable: [String]

    /// Makes the base directories below our own cgroup.
    ///
    /// On v2 controllers are handed down there. At the top of the tree that is possible beside processes; elsewhere the
    /// processes that share the cgroup with us are moved to a leaf first, as ``notice`` then says.
    ///
    /// - Parameter directoryName: of our directory below a cgroup that is not ours alone.
    package static func prepare(
        _ host: CgroupHost, directoryName: String = "jobs"
    ) throws(CgroupError) -> CgroupRoot {
        guard host.mode == .unified, let unified = host.unified, let division = Division(host) else {
            return try prepareV1(host, directoryName)
        }
        guard unified.isOurs, isHierarchyRoot(unified.own) else { return try division.prepare(directoryName) }
        return try prepareBelow(host, own: unified.own, host.v2Controllers, directoryName)
    }

    /// Whether `own` is ours alone, so that ``prepareDelegated(_:)`` may turn it into an inner node.
    package static func isDelegated(_ host: CgroupHost) -> Bool {
        guard let own = host.unified?.own, host.mode == .unified else { return false }
        if isHierarchyRoot(own) { return getuid() == 0 }
        guard Files.isWritable(own + "/cgroup.subtree_control"),
            let directory = try? CgroupDirectory(path: own, version: .v2)
        else {
            return false
        }
        return directory.processes == [getpid()]
    }

    private static func isHierarchyRoot(_ path: String) -> Bool { !Files.exists(path + "/cgroup.type") }

    /// Only names: a directory is made when the first attempt needs it, since each costs a mkdir and an rmdir.
    private static func prepareV1(_ host: CgroupHost, _ directoryName: String) throws(CgroupError) -> CgroupRoot {
        for hierarchy in Array(host.v1.values) where !hierarchy.isOurs {
            // The mount belongs to a cgroup above ours, and limits in between are not ours to leave.
            throw CgroupError(
                "use the cgroups below", hierarchy.mountPoint,
                remedy: "ours is not mounted there; mount the hierarchies of this cgroup namespace")
        }
        let bases = host.v1.mapValues { $0.own + "/" + directoryName }
        let unified = host.unified.map { $0.own + "/" + directoryName }
        return CgroupRoot(
            host: host, unifiedBase: unified, v1Bases: bases, v2Controllers: host.v2Controllers,
            removable: Array(Set(bases.values)) + (unified.map { [$0] } ?? []))
    }

    /// Makes the attempt's directory, and the base it lies in if it is the first there, or if another supervisor that
    /// has just ended took the base away.
    func makeDirectory(_ name: String, in base: String, version: CgroupVersion) throws(CgroupError) -> CgroupDirectory {
        let path = base + "/" + name
        do throws(CgroupError) { return try CgroupDirectory.make(path, version: version) } catch {
            guard error.errno == .noSuchFileOrDirectory, removable.contains(base) else { throw error }
        }
        ancestry.forget()
        let directory = try CgroupDirectory.make(base, version: version, mayExist: true)
        if version == .v2, host.mode == .unified { handDown() }
        if version == .v1, base == v1Bases[.cpuset] { try CpusetController.initialise(directory) }
        return try CgroupDirectory.make(path, version: version)
    }

    /// Lets attempts use the v2 controllers; on a hybrid host only asked for by the few jobs that use one.
    func handDown() {
        guard let base = unifiedBase else { return }
        _ = Self.enable(Self.enable(v2Controllers, in: parentPath(base)), in: base)
    }

    static func prepareBelow(
        _ host: CgroupHost, own: String, _ controllers: Set<Controller>, _ directoryName: String
    ) throws(CgroupError) -> CgroupRoot {
        let base = own + "/" + directoryName
        var enabled: Set<Controller> = []
        // Another `jobs` that ends may take the directory away under us, each time that one does.
        for attempt in 1...100 {
            do throws(CgroupError) { _ = try CgroupDirectory.make(base, version: .v2, mayExist: true) } catch {
                if error.errno == .noSuchFileOrDirectory, attempt < 100, Files.exists(own) { continue }
                throw error
            }
            enabled = enable(enable(controllers, in: own), in: base)
            if Files.exists(base) { break }
        }
        return CgroupRoot(host: host, unifiedBase: base, v1Bases: [:], v2Controllers: enabled, removable: [base])
    }

    /// Divides our own cgroup, which was delegated to this process alone, as a systemd scope with `Delegate=yes` is: we
    /// move to a leaf, since controllers cannot be handed down from a cgroup that holds processes.
    package static func prepareDelegated(_ host: CgroupHost) throws(CgroupError) -> CgroupRoot {
        let base = host.unified?.own ?? ""
        let leaf = try CgroupDirectory.make(base + "/supervisor", version: .v2, mayExist: true)
        try leaf.takeIn(0)
        let directory = try CgroupDirectory(path: base, version: .v2)
        let others = directory.processes
        guard others.isEmpty else {
            throw CgroupError(
                "use the cgroup", base,
                remedy:
                    "processes \(others.map(String.init).joined(separator: ", ")) are in it beside us; start jobs in a delegated cgroup of its own: systemd-run --scope -p Delegate=yes jobs …"
            )
        }
        let available = CgroupHost.controllers(in: directory.read("cgroup.controllers") ?? "")
        return CgroupRoot(
            host: host, unifiedBase: base, v1Bases: [:], v2Controllers: enable(available, in: base), removable: [])
    }

    /// A v2 cgroup that is ours to divide but not where we live: a daemon's jobs in a scope of their own. Whoever lives in it
    /// has been moved to a leaf before.
    package static func prepareElsewhere(_ host: CgroupHost, base: String) throws(CgroupError) -> CgroupRoot {
        let directory = try CgroupDirectory(path: base, version: .v2)
        let available = CgroupHost.controllers(in: directory.read("cgroup.controllers") ?? "")
        var root = CgroupRoot(
            host: host, unifiedBase: base, v1Bases: [:], v2Controllers: enable(available, in: base), removable: [])
        root.initDirectory = try CgroupDirectory.make(base + "/init", version: .v2, mayExist: true).descriptor
        return root
    }

    /// Hands controllers down, one write each: one that the parent refuses must not take the others with it.
    static func enable(_ controllers: Set<Controller>, in path: String) -> Set<Controller> {
        guard let directory = try? CgroupDirectory(path: path, version: .v2) else { return [] }
        let present = CgroupHost.controllers(in: directory.read("cgroup.subtree_control") ?? "")
        for controller in controllers.subtracting(present) {
            try? directory.write("+\(controller.rawValue)", to: "cgroup.subtree_control")
        }
        return CgroupHost.controllers(in: directory.read("cgroup.subtree_control") ?? "")
    }

    /// The interface a controller is usable through below this root, `nil` if it is not.
    package func version(of controller: Controller) -> CgroupVersion? {
        if v1Bases[controller] != nil { return .v1 }
        return v2Controllers.contains(controller) ? .v2 : nil
    }

    /// Base directories, each hierarchy once; those that ``attempts()`` looks into come last.
    package var bases: [(path: String, version: CgroupVersion)] {
        let memory = v1Bases[.memory]
        let v1 = Set(v1Bases.values).subtracting([memory].compactMap { $0 }).sorted() + [memory].compactMap { $0 }
        return v1.map { ($0, .v1) } + (unifiedBase.map { [($0, .v2)] } ?? [])
    }

    /// Names of the attempts that have a cgroup here, ours and other supervisors'.
    ///
    /// Every attempt has a directory in the v2 tree and in the memory hierarchy, made first and removed last.
    package func attempts() -> Set<String> {
        var names: Set<String> = []
        for base in [v1Bases[.memory] ?? v1Bases.values.first, unifiedBase] {
            if let base { names.formUnion(CgroupDirectory.children(of: base)) }
        }
        names.remove("supervisor")
        names.remove("init")
        return names
    }

    /// Takes our directories away if nobody else uses them.
    package func removeIfEmpty() {
        for path in removable { try? Files.removeDirectory(path) }
    }
}

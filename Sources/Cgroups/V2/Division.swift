// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import SystemPackage

/// Our own v2 cgroup where no systemd prepares one: it is divided into a leaf for the processes that are in it, and
/// directories for attempts. See decision 011.
package struct Division {
    private let host: CgroupHost
    private let unified: CgroupHost.Hierarchy
    /// The cgroup to divide: ours, or the one above where we are in the leaf of an earlier division.
    package let path: String

    package init?(_ host: CgroupHost) {
        guard let unified = host.unified, let path = host.divisible else { return nil }
        self.host = host
        self.unified = unified
        self.path = path
    }

    /// Why it cannot be divided; `nil` if nothing is known to be in the way. Looks, and changes nothing.
    package func problem() -> CgroupError? {
        func refused(_ remedy: String) -> CgroupError { CgroupError("divide the cgroup", path, remedy: remedy) }
        guard unified.isOurs else {
            return refused(
                "it is not the one that we are in, which is not mounted: mount -t cgroup2 none \(unified.mountPoint)")
        }
        guard let directory = try? CgroupDirectory(path: path, version: .v2) else {
            return refused("it cannot be opened")
        }
        // Whose processes cannot even be listed, in a threaded one.
        if directory.read("cgroup.type")?.hasSuffix("threaded\n") == true {
            return refused(
                "it is threaded, and memory and I/O can be limited below a domain only; start jobs in another cgroup")
        }
        let processes = directory.processes
        // Written back, a 0 would mean the writer itself.
        if processes.contains(0) {
            return refused(Relocation.hiddenRemedy)
        }
        // Another `jobs` may have moved us since the host was read.
        let leaf = (try? CgroupDirectory(path: path + "/" + Relocation.leafName, version: .v2))?.processes ?? []
        guard path != unified.own || processes.contains(getpid()) || leaf.contains(getpid()) else {
            return refused("this process is in another one, outside of the mounted part of the tree; mount that part")
        }
        return nil
    }

    /// Divides the cgroup, or finds it divided.
    func prepare(_ directoryName: String) throws(CgroupError) -> CgroupRoot {
        if let problem = problem() { throw problem }
        let directory = try CgroupDirectory(path: path, version: .v2)
        let opened = handDown(to: directory)
        let offered = CgroupHost.controllers(in: directory.read("cgroup.controllers") ?? "")
        let present = CgroupHost.controllers(in: directory.read("cgroup.subtree_control") ?? "")
        var relocation: Relocation?
        // Where nothing can be handed down there is nothing to move anybody for.
        if !offered.isSubset(of: present) {
            try rehearse(directoryName)
            relocation = try Relocation.empty(directory)
        }
        var root = try CgroupRoot.prepareBelow(host, own: path, offered, directoryName)
        let notices = [relocation?.description, opened].compactMap { $0 }
        root.notice = notices.isEmpty ? nil : notices.joined(separator: "; ")
        return root
    }

    /// Makes the directories of an attempt and takes them away: nobody is moved for a division that fails then.
    private func rehearse(_ directoryName: String) throws(CgroupError) {
        let base = path + "/" + directoryName
        let trial = base + "/trial-\(getpid())"
        defer {
            try? Files.removeDirectory(trial)
            // Stays if another `jobs` uses it.
            try? Files.removeDirectory(base)
        }
        _ = try CgroupDirectory.make(base, version: .v2, mayExist: true)
        _ = try CgroupDirectory.make(trial, version: .v2, mayExist: true)
    }

    /// Hands controllers down from the cgroups above, as far as they may and it leads to something: nobody may have done so
    /// where no systemd runs. In systemd's tree it is systemd's to do, and above a job nothing is the job's.
    ///
    /// - Returns: what was changed, for the user to read.
    private func handDown(to directory: CgroupDirectory) -> String? {
        let offered = CgroupHost.controllers(in: directory.read("cgroup.controllers") ?? "")
        guard !host.hasSystemd, !CgroupManager.isInsideJob,
            !host.controllersWithinReach(of: path).isSubset(of: offered)
        else { return nil }
        var above: [String] = []
        var path = path
        while path != unified.mountPoint, path.hasPrefix(unified.mountPoint + "/") {
            path = parentPath(path)
            above.insert(path, at: 0)
        }
        var changed: [String] = []
        for path in above {
            guard let directory = try? CgroupDirectory(path: path, version: .v2) else { continue }
            let offered = CgroupHost.controllers(in: directory.read("cgroup.controllers") ?? "")
            let before = CgroupHost.controllers(in: directory.read("cgroup.subtree_control") ?? "")
            let added = CgroupRoot.enable(offered, in: path).subtracting(before).map(\.rawValue).sorted()
            if !added.isEmpty { changed.append("handed \(added.joined(separator: ", ")) down from \(path)") }
        }
        return changed.isEmpty ? nil : changed.joined(separator: "; ")
    }
}

// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Linux
import Supervisor

extension Facts.Leftover {
    /// All attempts' cgroups whose supervisor is dead, wherever in the trees; our own place may have been another then.
    static func find(in host: CgroupHost) -> [Facts.Leftover] {
        let hierarchies = host.hierarchies
        let bases = Set(hierarchies.flatMap { [$0.own, $0.own + "/jobs"] })
        return Set(hierarchies.map(\.mountPoint)).sorted().flatMap { stale(below: $0, depth: 8) }.map { parent, name in
            Facts.Leftover(path: parent + "/" + name, isInReach: bases.contains(parent))
        }
    }

    /// A cgroup that another user has made says nothing that we would act upon, whatever its name.
    private static func isOurs(_ path: String) -> Bool { (try? Files.status(path))?.st_uid == geteuid() }

    /// - Parameter depth: how far down to look; a job may nest cgroups without end.
    private static func stale(below path: String, depth: Int) -> [(parent: String, name: String)] {
        guard depth > 0 else { return [] }
        return CgroupDirectory.children(of: path).sorted().flatMap { name in
            // An attempt's own sub-cgroups go with it.
            let child = path + "/" + name
            if AttemptName.isAlive(name, in: [child]) || !isOurs(child) { return stale(below: child, depth: depth - 1) }
            return [(path, name)]
        }
    }
}

// What runs that were killed have left in the tree.
extension Facts {
    var leftoverFindings: [Finding] {
        let (id, title) = ("leftovers", "stale cgroups")
        guard cgroups != nil else { return [] }
        guard !leftovers.isEmpty else { return [Finding(id, title, .ok, "none left behind")] }
        let names = Set(leftovers.map { String($0.path.split(separator: "/").last ?? "") }).sorted()
        let list = names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", …" : "")
        let far = leftovers.filter { !$0.isInReach }
        var remedy: [String] = []
        if far.count < leftovers.count {
            remedy.append(
                "nothing: the next `jobs run` kills what is left in \(far.isEmpty ? "them" : "those nearby") and removes them"
            )
        }
        if !far.isEmpty {
            remedy.append("made from another cgroup than this shell's; kill what is left in them and remove them:")
            remedy += far.map { "  " + Self.removal($0.path) }
        }
        return [
            Finding(
                id, title, .degraded, "\(names.count) left behind by runs that were killed: \(list)",
                remedy: remedy.joined(separator: "\n"), isFixable: true)
        ]
    }

    /// Of the path's letters none is for the shell to read: a cgroup's name may hold anything.
    private static func removal(_ path: String) -> String {
        let (directory, list) = (quoted(path), quoted(path + "/cgroup.procs"))
        // v1 has no cgroup.kill, and an old kernel neither.
        let kill = "echo 1 | sudo tee \(quoted(path + "/cgroup.kill")) || sudo xargs -r kill -9 <\(list)"
        return "{ \(kill); } >/dev/null 2>&1; sleep 1; sudo find \(directory) -depth -type d -exec rmdir {} +"
    }
}

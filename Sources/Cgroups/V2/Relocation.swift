// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import SystemPackage

/// Processes that were moved out of a v2 cgroup so that it could hand controllers down.
///
/// The kernel hands domain controllers (memory, io, hugetlb) down only from a cgroup without processes of its own; see "No
/// Internal Process Constraint" in Documentation/admin-guide/cgroup-v2.rst. Without systemd nobody has prepared such a
/// cgroup: a container's shell, its PID 1 and everything else share one. They keep their limits in a leaf below it.
package struct Relocation: Hashable, Sendable, CustomStringConvertible {
    /// The leaf's name. A process that finds itself in such a leaf divides the cgroup above it.
    package static let leafName = "jobs-others"

    package var count: Int
    package var from: String
    package var to: String

    package var description: String {
        let processes = count == 1 ? "1 process" : "\(count) processes"
        return "moved \(processes) from the cgroup \(from) to \(to), once, so that limits can be set below \(from)"
    }

    /// The cgroup that a process in `own` may divide: `own`, or the one that was divided before.
    ///
    /// As long as the leaf and the cgroups in it hand nothing down, none of them has a limit that is lost on the way up.
    ///
    /// - Parameter handsDown: whether the cgroup at a path hands controllers down.
    static func divisible(_ own: String, below mountPoint: String, handsDown: (String) -> Bool) -> String {
        var path = own
        while path != mountPoint, path.hasPrefix(mountPoint + "/") {
            // Our own may hand down to those below it, which is nothing to us.
            if path != own, handsDown(path) { return own }
            if path.hasSuffix("/" + leafName) { return handsDown(path) ? own : parentPath(path) }
            path = parentPath(path)
        }
        return own
    }

    /// Moves every process out of `directory` into the leaf; `nil` if there was none.
    ///
    /// A process that forks meanwhile leaves a child behind, so the list is read until it stays empty. A child of a moved
    /// process is born in the leaf, so that few rounds suffice.
    ///
    /// - Throws: if a process cannot be moved. Those that were moved before stay where they are: nothing limits them there
    ///   that did not limit them before.
    static func empty(_ directory: CgroupDirectory) throws(CgroupError) -> Relocation? {
        guard !directory.processes.isEmpty else { return nil }
        let leaf = try CgroupDirectory.make(directory.path + "/" + leafName, version: .v2, mayExist: true)
        var moved: Set<pid_t> = []
        for _ in 0..<rounds {
            let listed = directory.processes
            // A process whose main thread has ended stays listed where that one was, also when it is moved: the kernel counts
            // it no more. Whether the cgroup is empty then, handing down will tell.
            if listed.allSatisfy(moved.contains) {
                return moved.isEmpty ? nil : Relocation(count: moved.count, from: directory.path, to: leaf.path)
            }
            for pid in listed {
                // Written back, a 0 would mean this process itself.
                guard pid > 0 else { throw hidden(directory.path, moved: moved.count) }
                do throws(CgroupError) { try leaf.takeIn(pid) } catch {
                    // It has ended since it was listed.
                    if error.errno == .noSuchProcess { continue }
                    throw explain(error, pid, moved: moved.count)
                }
                moved.insert(pid)
            }
        }
        throw CgroupError(
            "empty the cgroup", directory.path,
            remedy: "its processes fork faster than they can be moved; start jobs in a cgroup of its own"
                + told(moved.count))
    }

    private static let rounds = 200

    /// The moves that were made before it failed.
    private static func told(_ moved: Int) -> String {
        moved == 0 ? "" : "; \(moved) processes are in its leaf \(leafName) now, where the same limits hold for them"
    }

    private static func hidden(_ path: String, moved: Int) -> CgroupError {
        CgroupError("empty the cgroup", path, remedy: hiddenRemedy + told(moved))
    }

    static let hiddenRemedy = """
        it holds processes of another PID namespace, which cannot be moved from here; give this container a cgroup that no \
        process outside of it shares
        """

    private static func explain(_ error: CgroupError, _ pid: pid_t, moved: Int) -> CgroupError {
        var error = error
        error.remedy =
            "process \(pid) (\(ProcessStat.name(of: pid) ?? "?")) shares the cgroup with jobs and cannot be moved"
            + told(moved)
        return error
    }
}

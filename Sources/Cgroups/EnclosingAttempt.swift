// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import SystemPackage

/// The attempt whose cgroup a process is in, whichever supervisor made it.
package struct EnclosingAttempt: Hashable, Sendable {
    /// Of the innermost one: `job-42.1`, or `run-…` of a foreground run.
    package var name: String
    /// Whether it carries the mark of ``AttemptCgroup/allowSubmission()``, as has every other one around it.
    package var maySubmit: Bool

    package init(name: String, maySubmit: Bool) {
        self.name = name
        self.maySubmit = maySubmit
    }

    /// An extended attribute of the attempt's directory. Whoever can set it can leave the cgroup as well, so it says no less
    /// than the membership itself; `user.` attributes need Linux 5.7.
    static let mark = "user.jobs.submit"
}

/// Tells from `/proc/PID/cgroup` whether a process is inside an attempt.
///
/// No process of a job leaves its cgroup, whatever it forks, renames or executes.
package struct AttemptFinder: Sendable {
    /// Where a process must be marked if it is to count: in one hierarchy, because somebody may have been given a part of
    /// another.
    private let hierarchy: CgroupHost.Hierarchy?
    /// Of that hierarchy in `/proc/PID/cgroup`: the second field of its line.
    private let own: [String: [Substring]]
    private let marked: String?

    /// - Parameter memberships: `/proc/self/cgroup`. Attempts that this process is in itself say nothing of others: what it
    ///   starts for them stays inside those.
    package init(_ host: CgroupHost, memberships: String) {
        own = Self.paths(memberships)
        hierarchy = host.markedHierarchy
        marked = host.unified != nil ? "" : own.keys.first { $0.split(separator: ",").contains("memory") }
    }

    /// For the cgroups of this machine as they are now.
    package static func ofThisProcess() throws(CgroupError) -> AttemptFinder {
        let host = try CgroupHost.detect()
        do throws(Errno) { return AttemptFinder(host, memberships: try Files.read("/proc/self/cgroup")) } catch {
            throw CgroupError("read", "/proc/self/cgroup", errno: error)
        }
    }

    /// The attempt around a process, by its `/proc/PID/cgroup`; `nil` if there is none.
    ///
    /// - Parameter isMarked: of a directory below the hierarchy's mount point.
    package func attempt(
        around memberships: String,
        isMarked: (String) -> Bool = { Files.attribute(EnclosingAttempt.mark, of: $0) == "1" }
    ) -> EnclosingAttempt? {
        var names: Set<String> = []
        var maySubmit = false
        for (key, path) in Self.paths(memberships) {
            let ours = own[key] ?? []
            let common = zip(ours, path).prefix { $0 == $1 }.count
            let attempts = path.indices.dropFirst(common).filter { AttemptName.isAttempt(String(path[$0])) }
            if let last = attempts.last { names.insert(String(path[last])) }
            guard key == marked, let hierarchy, hierarchy.isOurs, !path.contains("..") else { continue }
            // The directory of our own cgroup, up to where the two ways part.
            var top = hierarchy.own
            for _ in common..<ours.count { top = parentPath(top) }
            maySubmit =
                !attempts.isEmpty
                && attempts.allSatisfy { isMarked(top + "/" + path[common...$0].joined(separator: "/")) }
        }
        // Two hierarchies that name different attempts are nothing of ours.
        return names.min().map { EnclosingAttempt(name: $0, maySubmit: maySubmit && names.count == 1) }
    }

    private static func paths(_ memberships: String) -> [String: [Substring]] {
        var paths: [String: [Substring]] = [:]
        for line in memberships.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            if fields.count == 3 { paths[String(fields[1])] = fields[2].split(separator: "/") }
        }
        return paths
    }
}

extension CgroupHost {
    /// Where every attempt has a directory.
    fileprivate var markedHierarchy: Hierarchy? { unified ?? v1[.memory] }
}

extension AttemptCgroup {
    /// Marks the attempt as one whose processes may submit jobs; see ``EnclosingAttempt``.
    package func allowSubmission() throws(CgroupError) {
        guard let directory = unified ?? directories[.memory] else { return }
        do throws(Errno) { try Files.setAttribute(EnclosingAttempt.mark, of: directory.path, to: "1") } catch {
            throw CgroupError("mark", directory.path, value: EnclosingAttempt.mark, errno: error)
        }
    }
}

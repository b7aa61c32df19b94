// SPDX-License-Identifier: Apache-2.0
import JobModel

/// The cgroup of a job that has a view of its own: a leaf of the attempt's, `run-…/job`, which the job sees as the root of
/// the tree.
///
/// root in a job owns the files that it sees there, and may write them unless the tree is mounted with `nsdelegate`, as
/// systemd does and others do not ("Delegation" in Documentation/admin-guide/cgroup-v2.rst). So the limits stand a level
/// above, where no path of the job's leads, whatever it mounts in which namespace.
enum OwnView {
    static let leafName = "job"

    /// Makes the leaf, with all controllers that `outer` has: a runtime takes a missing file for a missing limit.
    static func make(in outer: CgroupDirectory) throws(CgroupError) -> CgroupDirectory {
        let offered = CgroupHost.controllers(in: outer.read("cgroup.controllers") ?? "")
        _ = CgroupRoot.enable(offered, in: outer.path)
        return try CgroupDirectory.make(outer.path + "/" + leafName, version: .v2)
    }

    /// Shows the limits where Java, Node and Go look for them, each with so much room that the real one is reached first and
    /// counts the event: a page of memory more, and as much CPU time in periods of a second, the longest there are.
    static func show(_ limits: Limits, in leaf: CgroupDirectory) throws(CgroupError) {
        if let memory = limits.memory, leaf.has("memory.max") {
            try leaf.write("\(memory.bytes + 4096)", to: "memory.max")
        }
        if let cpus = limits.cpus, leaf.has("cpu.max") { try leaf.write("\(cpus.milli * 1000) 1000000", to: "cpu.max") }
    }
}

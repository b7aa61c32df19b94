// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobModel
import Linux
import Testing

@testable import Cgroups

@Suite struct CgroupRootTests {
    /// A hybrid machine with the memory and pids controllers on v1 and hugetlb on v2.
    private func hybrid(_ tree: FakeCgroup) throws -> CgroupRoot {
        try tree.add([
            "memory/x": "", "pids/x": "", "unified/cgroup.subtree_control": "hugetlb\n",
            "unified/jobs/cgroup.subtree_control": "hugetlb\n",
        ])
        let host = CgroupHost(
            unified: .init(mountPoint: tree.path + "/unified", own: tree.path + "/unified"),
            v1: [
                .memory: .init(mountPoint: tree.path + "/memory", own: tree.path + "/memory"),
                .pids: .init(mountPoint: tree.path + "/pids", own: tree.path + "/pids"),
            ], v2Controllers: [.hugetlb])
        return try CgroupRoot.prepare(host)
    }

    /// Our own v2 cgroup, to which `delegated` of the machine's `offered` controllers were given.
    private func unified(_ tree: FakeCgroup, offered: Set<Controller>, delegated: String) throws -> CgroupRoot {
        try tree.add([
            "own/cgroup.type": "domain\n", "own/cgroup.procs": "", "own/supervisor/cgroup.procs": "",
            "own/cgroup.controllers": delegated + "\n", "own/cgroup.subtree_control": delegated + "\n",
        ])
        let host = CgroupHost(
            unified: .init(mountPoint: tree.path, own: tree.path + "/own"), v1: [:], v2Controllers: offered)
        return try CgroupRoot.prepareDelegated(host)
    }

    private var everything: Limits {
        var limits = Limits()
        limits.swap = .unlimited
        limits.memory = ByteCount(1 << 20)
        limits.memorySoft = ByteCount(1 << 20)
        limits.cpus = CPUCount(milli: 1000)
        limits.cpuWeight = 100
        limits.cpuset = try? IDSet(parsing: "0")
        limits.pids = 5
        limits.io = [DeviceIOLimit(device: "8:0")]
        limits.hugepages = [ByteCount(2 << 20): ByteCount(0)]
        return limits
    }

    @Test func `on a hybrid machine each controller is used where it is`() throws {
        let tree = try FakeCgroup()
        let root = try hybrid(tree)
        #expect(root.version(of: .memory) == .v1 && root.version(of: .hugetlb) == .v2)
        #expect(root.version(of: .cpu) == nil)
        #expect(root.v1Bases[.memory] == tree.path + "/memory/jobs")
        #expect(root.unifiedBase == tree.path + "/unified/jobs")
    }

    @Test func `what cannot be enforced is named, what can is not`() throws {
        let tree = try FakeCgroup()
        let problems = try hybrid(tree).unenforceable(everything)
        #expect(problems.map(\.limit) == ["cpus", "cpu-weight", "cpuset", "io"])
        for problem in problems {
            #expect(problem.reason.contains("offers no"), "\(problem)")
            #expect(!problem.remedy.isEmpty)
        }
    }

    @Test func `no limits ask for nothing`() throws {
        let tree = try FakeCgroup()
        #expect(try unified(tree, offered: [], delegated: "").unenforceable(Limits()).isEmpty)
    }

    @Test func `with every controller every limit holds`() throws {
        let tree = try FakeCgroup()
        let all = "cpuset cpu io memory hugetlb pids"
        #expect(try unified(tree, offered: Set(Controller.v2), delegated: all).unenforceable(everything).isEmpty)
    }

    @Test func `a controller that exists but was not delegated has its own remedy`() throws {
        let tree = try FakeCgroup()
        let root = try unified(tree, offered: Set(Controller.v2), delegated: "memory pids")
        let problems = root.unenforceable(everything, manager: .systemd)
        #expect(problems.map(\.limit) == ["cpus", "cpu-weight", "cpuset", "io", "hugepages"])
        for problem in problems {
            #expect(problem.reason.contains("not delegated to \(tree.path)/own"))
            #expect(problem.remedy.contains("Delegate="))
        }
    }

    /// The Raspberry Pi as it comes.
    @Test func `a machine without a memory controller is told where to turn it on`() throws {
        let tree = try FakeCgroup()
        let root = try unified(tree, offered: [.cpu, .pids, .io, .cpuset], delegated: "cpuset cpu io pids")
        let problems = root.unenforceable(everything, manager: .systemd)
        #expect(problems.map(\.limit) == ["memory", "memory-soft", "hugepages"])
        #expect(problems[0].remedy.contains("cgroup_enable=memory"))
        #expect(!problems[2].remedy.contains("cgroup_enable"))
    }

    @Test func `swap is refused where it exists and is not accounted`() throws {
        let tree = try FakeCgroup()
        let root = try hybrid(tree)
        var limits = Limits()
        limits.memory = ByteCount(1 << 20)
        #expect(root.unenforceable(limits).map(\.limit) == (hasSwap ? ["swap"] : []))
        try tree.add(["memory/memory.memsw.limit_in_bytes": "9223372036854771712\n"])
        #expect(root.unenforceable(limits).isEmpty)
    }

    @Test func `a delegated cgroup that others use as well is refused`() throws {
        let tree = try FakeCgroup()
        try tree.add([
            "cgroup.type": "domain\n", "cgroup.procs": "4711\n", "supervisor/cgroup.procs": "",
            "cgroup.controllers": "memory\n", "cgroup.subtree_control": "memory\n",
        ])
        let host = CgroupHost(unified: .init(mountPoint: "/", own: tree.path), v1: [:], v2Controllers: [.memory])
        let error = #expect(throws: CgroupError.self) { try CgroupRoot.prepareDelegated(host) }
        #expect(error?.description.contains("4711") == true)
        #expect(error?.description.contains("Delegate=yes") == true)
    }

    @Test func `attempts are the directories that are not our own`() throws {
        let tree = try FakeCgroup()
        let root = try hybrid(tree)
        try tree.add([
            "memory/jobs/run-1-2/x": "", "unified/jobs/run-1-2/x": "", "unified/jobs/job-42.1/x": "",
            "unified/jobs/supervisor/x": "", "unified/jobs/init/x": "", "pids/jobs/file": "",
        ])
        #expect(root.attempts() == ["run-1-2", "job-42.1"])
    }

    @Test func `a lock speaks for a supervisor that no process can be seen of`() throws {
        let tree = try FakeCgroup()
        let root = try hybrid(tree)
        let name = "run-4194399-1-\(AttemptName.namespace)"
        for base in root.bases { _ = try root.makeDirectory(name, in: base.path, version: base.version) }
        var lock = SupervisorLock.take(tree.path + "/unified/jobs/" + name)
        #expect(lock != nil)
        #expect(root.removeStale().removed.isEmpty && root.attempts() == [name])
        lock = nil
        #expect(root.removeStale().removed == [name])
    }

    @Test func `our cgroup is not what is mounted, so nothing is made there`() throws {
        let tree = try FakeCgroup()
        try tree.add(["cgroup.procs": "\(getpid())\n", "cgroup.controllers": "memory\n", "cgroup.subtree_control": ""])
        var host = CgroupHost(
            unified: .init(mountPoint: tree.path, own: tree.path, isOurs: false), v1: [:], v2Controllers: [.memory])
        #expect(throws: CgroupError.self) { try CgroupRoot.prepare(host) }
        host = CgroupHost(
            unified: nil, v1: [.memory: .init(mountPoint: tree.path, own: tree.path, isOurs: false)], v2Controllers: [])
        #expect(throws: CgroupError.self) { try CgroupRoot.prepare(host) }
        #expect(CgroupDirectory.children(of: tree.path).isEmpty)
    }

    @Test func `the cgroups of the living are left alone`() throws {
        let tree = try FakeCgroup()
        let root = try hybrid(tree)
        for name in ["run-1-1", "run-2-2"] {
            for base in root.bases { _ = try root.makeDirectory(name, in: base.path, version: base.version) }
        }
        let result = root.removeStale { name, _ in name == "run-2-2" }
        #expect(result.removed == ["run-1-1"] && result.errors.isEmpty)
        #expect(root.attempts() == ["run-2-2"])
    }
}

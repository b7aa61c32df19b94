// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Cgroups

/// The moves themselves need a kernel, and are tested with one: the virtual machines without systemd.
@Suite struct RelocationTests {
    @Test(arguments: [
        ("/sys/fs/cgroup/box", "/sys/fs/cgroup/box"),
        ("/sys/fs/cgroup/box/jobs-others", "/sys/fs/cgroup/box"),
        ("/sys/fs/cgroup/jobs-others", "/sys/fs/cgroup"),
        // A cgroup that a service made in the leaf.
        ("/sys/fs/cgroup/box/jobs-others/a/b", "/sys/fs/cgroup/box"),
        // jobs inside a job, which divides the job's own cgroup.
        ("/sys/fs/cgroup/jobs/run-1-2-3/jobs-others", "/sys/fs/cgroup/jobs/run-1-2-3"),
        ("/sys/fs/cgroup/jobs-others-not", "/sys/fs/cgroup/jobs-others-not"),
        ("/sys/fs/cgroup", "/sys/fs/cgroup"),
        // Nothing above what is mounted can be divided.
        ("/elsewhere/jobs-others", "/elsewhere/jobs-others"),
    ])
    func `the cgroup above the leaf is divided`(own: String, expected: String) {
        #expect(Relocation.divisible(own, below: "/sys/fs/cgroup") { _ in false } == expected)
    }

    /// A container engine in the leaf: its cgroups have limits, which a job must not leave.
    @Test func `a limit on the way up is not passed`() {
        let own = "/cg/box/jobs-others/engine/c1"
        for path in ["/cg/box/jobs-others", "/cg/box/jobs-others/engine"] {
            #expect(Relocation.divisible(own, below: "/cg") { $0 == path } == own)
        }
        // A cgroup of ours that hands down limits those below us, not us.
        #expect(Relocation.divisible(own, below: "/cg") { $0 == own } == "/cg/box")
    }

    @Test func `an empty cgroup is left as it is`() throws {
        let tree = try FakeCgroup(["cgroup.procs": ""])
        #expect(try Relocation.empty(tree.directory(.v2)) == nil)
        #expect(CgroupDirectory.children(of: tree.path).isEmpty)
    }

    /// Read as 0, a pid written back would move this process instead.
    @Test func `a process of another PID namespace is not moved`() throws {
        let tree = try FakeCgroup(["cgroup.procs": "0\n", "jobs-others/cgroup.procs": ""])
        let error = #expect(throws: CgroupError.self) { try Relocation.empty(tree.directory(.v2)) }
        #expect(error?.description.contains("another PID namespace") == true)
        #expect(tree.text(of: "jobs-others/cgroup.procs") == "")
    }

    /// As in the fake, a process whose main thread has ended stays listed however often it is moved.
    @Test func `a process that stays listed is moved once`() throws {
        let tree = try FakeCgroup(["cgroup.procs": "4711\n", "jobs-others/cgroup.procs": ""])
        let relocation = try Relocation.empty(tree.directory(.v2))
        #expect(relocation == Relocation(count: 1, from: tree.path, to: tree.path + "/jobs-others"))
    }

    @Test func `a process that is not listed in its own cgroup divides nothing`() throws {
        let tree = try FakeCgroup()
        try tree.add([
            "own/cgroup.type": "domain\n", "own/cgroup.procs": "4711\n", "own/cgroup.controllers": "memory\n",
            "own/cgroup.subtree_control": "",
        ])
        let host = CgroupHost(
            unified: .init(mountPoint: tree.path, own: tree.path + "/own"), v1: [:], v2Controllers: [.memory])
        let error = #expect(throws: CgroupError.self) { try CgroupRoot.prepare(host) }
        #expect(error?.description.contains("outside of the mounted part") == true)
        #expect(CgroupDirectory.children(of: tree.path + "/own").isEmpty)
    }

    /// The kernel answers EOPNOTSUPP when its processes are to be listed.
    @Test(arguments: ["threaded\n", "domain threaded\n"]) func `a threaded cgroup is not divided`(type: String) throws {
        let tree = try FakeCgroup(["own/cgroup.type": type])
        let host = CgroupHost(
            unified: .init(mountPoint: tree.path, own: tree.path + "/own"), v1: [:], v2Controllers: [.memory])
        let error = #expect(throws: CgroupError.self) { try CgroupRoot.prepare(host) }
        #expect(error?.description.contains("it is threaded") == true)
    }

    @Test func `nobody is moved where nothing can be handed down, or everything is`() throws {
        for (offered, handedDown) in [("", ""), ("memory pids\n", "memory pids\n")] {
            let tree = try FakeCgroup()
            try tree.add([
                "own/cgroup.type": "domain\n", "own/cgroup.procs": "\(getpid())\n", "own/cgroup.controllers": offered,
                "own/cgroup.subtree_control": handedDown, "own/jobs/cgroup.subtree_control": handedDown,
            ])
            let host = CgroupHost(
                unified: .init(mountPoint: tree.path, own: tree.path + "/own"), v1: [:], v2Controllers: [.memory])
            let root = try CgroupRoot.prepare(host)
            #expect(root.notice == nil && root.unifiedBase == tree.path + "/own/jobs")
            #expect(CgroupDirectory.children(of: tree.path + "/own") == ["jobs"])
        }
    }

    @Test func `the notice counts`() {
        let one = Relocation(count: 1, from: "/a", to: "/a/jobs-others")
        #expect(one.description.hasPrefix("moved 1 process from the cgroup /a to /a/jobs-others, once"))
        #expect(Relocation(count: 3, from: "/a", to: "/b").description.hasPrefix("moved 3 processes"))
    }
}

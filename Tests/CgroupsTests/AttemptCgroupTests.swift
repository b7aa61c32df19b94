// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

@testable import Cgroups

@Suite struct AttemptCgroupTests {
    private let tree: FakeCgroup

    init() throws { tree = try FakeCgroup() }

    /// A container's view: its own limit stands at the mount point, and a slice lies in between.
    private func unified(_ controllers: String) throws -> CgroupRoot {
        try tree.add([
            "slice/own/cgroup.type": "domain\n", "slice/own/cgroup.procs": "", "slice/own/supervisor/cgroup.procs": "",
            "slice/own/cgroup.controllers": controllers, "slice/own/cgroup.subtree_control": controllers,
        ])
        let own = tree.path + "/slice/own"
        return try CgroupRoot.prepareDelegated(
            CgroupHost(
                unified: .init(mountPoint: tree.path, own: own), v1: [:],
                v2Controllers: CgroupHost.controllers(in: controllers)))
    }

    private func legacy() throws -> CgroupRoot {
        try tree.add(["memory/own/x": "", "pids/own/x": "", "cpu,cpuacct/own/x": ""])
        func hierarchy(_ name: String) -> CgroupHost.Hierarchy {
            .init(mountPoint: tree.path + "/" + name, own: tree.path + "/" + name + "/own")
        }
        return try CgroupRoot.prepare(
            CgroupHost(
                unified: nil,
                v1: [
                    .memory: hierarchy("memory"), .pids: hierarchy("pids"), .cpu: hierarchy("cpu,cpuacct"),
                    .cpuacct: hierarchy("cpu,cpuacct"),
                ], v2Controllers: []))
    }

    /// Keys of the record that jobs-init and the supervisor find out, not the cgroup.
    private static let others: Set = [
        "wall_time_usec", "suspended_usec", "rss_max_bytes", "voluntary_switches", "involuntary_switches",
        "memory_anon_bytes",
        "memory_file_bytes", "memory_shmem_bytes", "memory_kernel_bytes",
    ]

    private func expectNothingKnown(_ cgroup: AttemptCgroup) {
        let reading = cgroup.usage(cgroup.memoryStat())
        for figure in Usage.figures where !Self.others.contains(figure.key) {
            #expect(reading.usage[keyPath: figure.path] == nil, "\(figure.key) is made up")
            #expect(reading.unavailable[figure.key]?.isEmpty == false, "\(figure.key) has no reason")
        }
    }

    @Test func `of files that are absent no figure is made up, v2`() throws {
        expectNothingKnown(try AttemptCgroup("run-1-1", limits: Limits(), in: unified("memory pids io cpu\n")))
    }

    @Test func `of files that are absent no figure is made up, v1`() throws {
        expectNothingKnown(try AttemptCgroup("run-1-1", limits: Limits(), in: legacy()))
    }

    @Test func `of controllers that are absent no figure is made up`() throws {
        expectNothingKnown(try AttemptCgroup("run-1-1", limits: Limits(), in: unified("\n")))
    }

    @Test func `controllers mounted together share the attempt's directory`() throws {
        var limits = Limits()
        limits.cpus = CPUCount(milli: 500)
        let cgroup = try AttemptCgroup("run-1-1", limits: limits, in: legacy())
        #expect(cgroup.directories[.cpu] === cgroup.directories[.cpuacct])
        #expect(cgroup.directories[.cpu]?.path == tree.path + "/cpu,cpuacct/own/jobs/run-1-1")
        #expect(cgroup.unified == nil)
    }

    @Test func `a name is used once`() throws {
        let root = try unified("memory\n")
        _ = try AttemptCgroup("run-1-1", limits: Limits(), in: root)
        #expect(throws: CgroupError.self) { try AttemptCgroup("run-1-1", limits: Limits(), in: root) }
    }

    @Test func `effective limits name the tightest cgroup above`() throws {
        let cgroup = try AttemptCgroup("run-1-1", limits: Limits(), in: unified("memory\n"))
        try tree.add([
            "slice/own/run-1-1/memory.max": "4096\n", "slice/own/run-1-1/memory.swap.max": "",
            "slice/own/memory.max": "max\n", "slice/memory.max": "1000\n",
        ])
        var limits = Limits()
        limits.swap = .unlimited
        try cgroup.apply(limits, oom: .killJob)
        let effective = cgroup.effective(limits)
        #expect(effective.memoryBytes == 4096)
        #expect(effective.ancestorMemoryBytes == 1000)
        #expect(effective.ancestorMemoryPath == tree.path + "/slice")
    }

    /// In a container with its own cgroup namespace the mount point is the container's cgroup, limit included.
    @Test func `a limit at the mount point is an ancestor's like any other`() throws {
        let cgroup = try AttemptCgroup("run-1-1", limits: Limits(), in: unified("memory\n"))
        try tree.add([
            "memory.max": "2000\n", "memory.events.local": "oom 5\n", "slice/memory.events.local": "oom 1\n",
        ])
        var limits = Limits()
        limits.swap = .unlimited
        try cgroup.apply(limits, oom: .killProcess)
        let effective = cgroup.effective(limits)
        #expect(effective.ancestorMemoryBytes == 2000 && effective.ancestorMemoryPath == tree.path)
        let counters = cgroup.ancestorCounters()
        #expect(counters.map(\.path) == [tree.path + "/slice", tree.path], "nearest first")
        #expect(counters.map(\.count) == [1, 5])
    }

    @Test func `quotas and process limits above are named with what they count`() throws {
        let cgroup = try AttemptCgroup("run-1-1", limits: Limits(), in: unified("memory cpu pids\n"))
        try tree.add([
            "slice/own/cpu.max": "max 100000\n", "slice/own/cpu.stat": "nr_throttled 9\n",
            "slice/cpu.max": "50000 100000\n", "slice/cpu.stat": "nr_throttled 3\n", "slice/pids.max": "20\n",
            "slice/pids.events.local": "max 4\n",
        ])
        var limits = EffectiveLimits()
        cgroup.readAncestors(into: &limits)
        let slice = tree.path + "/slice"
        #expect(limits.ancestorCPUs == CPUCount(milli: 500) && limits.ancestorCPUsPath == slice)
        #expect(limits.ancestorPids == 20 && limits.ancestorPidsPath == slice)
        #expect(cgroup.ancestorThrottling().map(\.path) == [slice] && cgroup.ancestorThrottling()[0].count == 3)
        #expect(cgroup.ancestorRefusals().map(\.path) == [slice] && cgroup.ancestorRefusals()[0].count == 4)
    }

    @Test func `events are watched on v2 only`() throws {
        let v2 = try AttemptCgroup("run-1-1", limits: Limits(), in: unified("memory\n"))
        #expect(v2.memoryEventsPath == tree.path + "/slice/own/run-1-1/memory.events")
        let v1 = try AttemptCgroup("run-1-1", limits: Limits(), in: legacy())
        #expect(v1.memoryEventsPath == nil)
    }
}

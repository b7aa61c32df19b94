// SPDX-License-Identifier: Apache-2.0
import JobModel
import Linux
import Sandbox
import Testing

@testable import Supervisor

/// Which mounts a job gets, and in which order.
@Suite struct MountPlanTests {
    private func plan(
        _ queues: QueueDirectories = QueueDirectories(), masks: Bool = true, isRoot: Bool = false,
        _ change: (inout Isolation) -> Void = { _ in }
    ) -> MountPlan {
        var isolation = Isolation()
        change(&isolation)
        var namespaces = Namespaces(rawValue: 0)
        if isolation.mount { namespaces.insert(.mount) }
        if isolation.pid { namespaces.insert(.pid) }
        if isolation.ipc { namespaces.insert(.ipc) }
        return MountPlan(
            isolation: isolation, namespaces: namespaces, directory: "/home/x", queues: queues, masks: masks,
            isMachinesRoot: isRoot)
    }

    private func index(_ mounts: [Mount], _ target: String) -> Int? { mounts.firstIndex { $0.target == target } }

    @Test func `without a mount namespace nothing is mounted`() {
        let plan = plan(QueueDirectories(state: ["/s"])) {
            ($0.mount, $0.maskPaths, $0.privateTmp) = (false, false, true)
        }
        #expect(plan.mounts.isEmpty && plan.commandMounts(cgroup: "/cg").isEmpty)
    }

    @Test func `a job sees the machine's later mounts, but nothing new of the kernel's`() {
        let mounts = plan().mounts
        #expect(
            Array(mounts.prefix(4)) == [
                Mount("/", .makeSlaves), Mount("/proc", .makePrivate, isOptional: true),
                Mount("/sys", .makePrivate, isOptional: true), Mount("/dev", .makePrivate, isOptional: true),
            ])
        #expect(mounts.last == Mount("/sys", .readOnlyTree))
        #expect(plan(isRoot: true).mounts.first == Mount("/", .makePrivate))
        #expect(!plan(isRoot: true).mounts.contains { $0.action == .makeSlaves })
    }

    @Test func `masks lie on the new proc`() throws {
        let mounts = plan().mounts
        let proc = try #require(mounts.firstIndex { $0.target == "/proc" && $0.action != .makePrivate })
        let masks = mounts.indices.filter { mounts[$0].target.hasPrefix("/proc/") }
        #expect(masks.count == 13 && masks.allSatisfy { $0 > proc && mounts[$0].isOptional })
        let open = plan(masks: false).mounts
        #expect(!open.contains { $0.target.hasPrefix("/proc/") || $0.target == "/sys/firmware" })
        #expect(open.last == Mount("/sys", .readOnlyTree), "the cgroups stay out of reach")
    }

    @Test func `a command that is PID 1 itself mounts its proc itself`() {
        let plan = plan { $0.initProcess = false }
        #expect(!plan.mounts.contains { $0.target.hasPrefix("/proc") && $0.action != .makePrivate })
        #expect(plan.commandMounts(cgroup: nil).first?.target == "/proc")
        #expect(self.plan().commandMounts(cgroup: nil).isEmpty)
    }

    @Test func `a view of the own cgroup comes before what is mounted on it`() {
        let mounts = plan().commandMounts(cgroup: "/cg")
        #expect(mounts.map(\.target) == ["/cg", "/cg"])
        guard case .fileSystem(let system) = mounts.last?.action else {
            Issue.record("no file system")
            return
        }
        #expect(system.type == "cgroup2")
        #expect(
            MountPlan.views([("/cg/memory/job", "/cg/memory")])
                == [Mount("/cg/memory", .replacement("/cg/memory/job"), isOptional: true)])
    }

    @Test func `the directories of queues are hidden, outer ones first, and a socket is shown on request`() {
        let queues = QueueDirectories(state: ["/s", "/var/lib/jobs"], runtime: ["/s/run", "/run/jobs"])
        let all = ["/run/jobs", "/s", "/s/run", "/var/lib/jobs"]
        let hidden = plan(queues).mounts.filter { all.contains($0.target) }
        #expect(hidden == all.map { Mount($0, .emptyDirectory, isOptional: true) })
        let shown = plan(queues) { $0.submit = true }.mounts
        // First everything is hidden, then each socket is shown in its place.
        #expect(shown.filter { all.contains($0.target) }.map(\.target) == all + ["/run/jobs", "/s/run"])
        #expect(
            shown.filter { if case .directory = $0.action { true } else { false } }
                == ["/run/jobs", "/s/run"].map { Mount($0, .directory($0 + "/api"), isOptional: true) })
    }

    @Test func `the working directory is carried into a private tmp`() throws {
        let mounts = plan { $0.privateTmp = true }.mounts
        for path in ["/tmp", "/var/tmp"] {
            let place = try #require(index(mounts, path))
            #expect(mounts[place + 1] == Mount("/home/x", .restored(below: path), isOptional: true))
        }
        #expect(index(plan().mounts, "/tmp") == nil)
    }

    @Test func `shared memory is the job's own unless asked for otherwise`() {
        #expect(index(plan().mounts, "/dev/shm") != nil)
        #expect(index(plan { $0.shm = .host }.mounts, "/dev/shm") == nil)
        #expect(index(plan { $0.ipc = false }.mounts, "/dev/mqueue") == nil)
    }
}

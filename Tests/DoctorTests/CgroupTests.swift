// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Doctor

@Suite struct CgroupTests {
    @Test func healthyUnified() {
        let machine = Machine()
        let report = machine.report
        // systemd never hands this one down; all else is as it should be.
        #expect(report.ids(.degraded) == ["hugetlb-controller"])
        #expect(report.ids(.broken) == [])
        #expect(report.exitCode == 0)
        let lines = machine.lines
        #expect(lines.contains("ok cgroup mode unified: cgroup v2 for everything"))
        #expect(lines.contains("ok delegation root: every run gets a scope of its own"))
        #expect(lines.contains("ok memory controller usable on v2"))
        #expect(lines.contains("ok cgroup.kill present (kernel 5.14)"))
        #expect(lines.contains("ok swap peak present (kernel 6.5)"))
        #expect(lines.contains("ok stale cgroups none left behind"))
        #expect(lines.last == "\(report.findings.count - 1) ok, 1 degraded, 0 broken")
    }

    @Test func hybrid() {
        let machine = Machine()
        machine.mountHybrid()
        let lines = machine.lines
        #expect(lines.contains("ok cgroup mode hybrid: limits on v1, kill and events on v2"))
        #expect(lines.contains("ok cgroup place cgroups can be made below our own"))
        #expect(lines.contains("ok memory controller usable on v1"))
        #expect(lines.contains("ok io controller usable on v1, as blkio"))
        #expect(lines.contains("ok hugetlb controller usable on v2"))
        #expect(lines.contains("ok memory peak present, memory.max_usage_in_bytes of v1"))
        #expect(lines.contains("ok pids peak present (kernel 6.1)"))
        #expect(lines.contains("ok cgroup.kill present (kernel 5.14)"))
        #expect(machine.report.count(.degraded) + machine.report.count(.broken) == 0)
        // What only a v2 memory controller has is not missed where memory is on v1.
        #expect(machine.finding("oom-group") == nil)
    }

    @Test func nothingIsMounted() {
        let machine = Machine()
        machine.write("proc/self/mountinfo", "25 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
        #expect(machine.report.exitCode == 1)
        #expect(machine.finding("cgroup-mode")?.status == .broken)
    }

    @Test func userOnV1() {
        let machine = Machine()
        machine.mountHybrid()
        machine.user = Facts.User(id: 1000, name: "ada")
        machine.probes.refusals = [.init(path: machine.root + "/cgroup/memory", reason: "Permission denied")]
        #expect(
            machine.lines.contains("broken cgroup place no cgroup can be made in /cgroup/memory: Permission denied"))
    }

    @Test func userWithoutDelegation() {
        let machine = Machine()
        machine.user = Facts.User(id: 1000, name: "ada")
        machine.mountUnified(own: "/user.slice/user-1000.slice/session-2.scope")
        machine.write("cgroup/user.slice/user-1000.slice/user@1000.service/cgroup.controllers", "memory pids\n")
        machine.environment = ["XDG_RUNTIME_DIR": "/run/user/1000"]
        machine.write("run/user/1000/bus", "")
        let lines = machine.lines
        #expect(lines.contains("degraded delegation user@1000.service hands down memory pids, but not cpu cpuset io"))
        #expect(lines.contains("sudo mkdir -p /etc/systemd/system/user@.service.d"))
        #expect(
            lines.contains(
                #"printf '[Service]\nDelegate=cpu cpuset io memory pids\n' | sudo tee /etc/systemd/system/user@.service.d/delegate.conf"#
            ))
        #expect(lines.contains("sudo systemctl daemon-reload"))
        #expect(lines.contains("ok memory controller usable on v2"))
        #expect(lines.contains("degraded cpu controller the machine has it, your user manager was not given it"))
        #expect(machine.report.exitCode == 0)

        machine.environment = [:]
        #expect(machine.lines.contains("export XDG_RUNTIME_DIR=/run/user/1000"))
        #expect(machine.finding("delegation")?.status == .broken)

        machine.mountUnified(own: "/user.slice/user-7.slice/session-2.scope")
        machine.user = Facts.User(id: 7, name: "lp")
        #expect(machine.lines.contains("sudo loginctl enable-linger lp"))
    }

    @Test func withoutSystemdBesideOthers() {
        let machine = Machine()
        machine.remove("run/systemd/system/.keep")
        rmdir(machine.root + "/run/systemd/system")
        machine.write(".dockerenv", "")
        machine.mountUnified(own: "/docker")
        let lines = machine.lines
        #expect(
            lines.contains(
                "broken cgroup place there is no systemd to ask for a cgroup, and other processes are in /cgroup/docker beside us"
            ))
        #expect(
            lines.contains(
                "sh -c 'd=/cgroup/docker/jobs-$$ && mkdir $d && echo $$ > $d/cgroup.procs && exec jobs run …'"))
        machine.probes.refusals = [
            .init(path: machine.root + "/cgroup/docker", reason: "Read-only file system", isReadOnly: true)
        ]
        #expect(machine.lines.contains("docker run --privileged --cgroupns=private …"))
    }

    @Test func staleCgroups() {
        let machine = Machine()
        machine.mountHybrid()
        // Above the largest pid there can be.
        machine.write("cgroup/memory/jobs/run-4194399-55/tasks", "")
        machine.write("cgroup/pids/jobs/run-4194399-55/tasks", "")
        machine.write("cgroup/pids/jobs/job-42.1/tasks", "")
        var lines = machine.lines
        #expect(lines.contains("degraded stale cgroups 1 left behind by runs that were killed: run-4194399-55"))
        #expect(lines.contains("→ nothing: the next `jobs run` kills what is left in them and removes them"))
        machine.write("cgroup/pids/elsewhere/jobs/run-4194398-7-1/tasks", "")
        lines = machine.lines
        #expect(
            lines.contains(
                "degraded stale cgroups 2 left behind by runs that were killed: run-4194398-7-1, run-4194399-55"))
        #expect(lines.contains { $0.hasSuffix("rmdir /cgroup/pids/elsewhere/jobs/run-4194398-7-1") })
    }
}

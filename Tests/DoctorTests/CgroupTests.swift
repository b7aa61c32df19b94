// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Supervisor
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

    /// A machine without systemd, with us in `own`.
    private func plain(own: String, controllers: String = "cpuset cpu io memory hugetlb pids") -> Machine {
        let machine = Machine()
        machine.remove("run/systemd/system/.keep")
        rmdir(machine.root + "/run/systemd/system")
        machine.mountUnified(own: own, controllers: controllers)
        return machine
    }

    @Test func `in a container the processes beside us are no obstacle`() {
        let machine = plain(own: "/docker")
        machine.write(".dockerenv", "")
        machine.write("cgroup/docker/cgroup.procs", "1\n\(getpid())\n")
        machine.write("cgroup/cgroup.subtree_control", "cpuset cpu io memory hugetlb pids\n")
        #expect(
            machine.lines.contains(
                "ok cgroup place 1 process shares /cgroup/docker: the first job moves it to a leaf below, once"))
        #expect(machine.report.exitCode == 0, "\(machine.lines)")

        machine.fill("cgroup/docker/jobs-others", ["cgroup.type"])
        machine.write("cgroup/docker/cgroup.procs", "")
        machine.write("proc/self/cgroup", "0::/docker/jobs-others\n")
        #expect(machine.lines.contains("ok cgroup place /cgroup/docker is divided among jobs and others"))
        #expect(machine.report.exitCode == 0, "\(machine.lines)")

        machine.probes.refusals = [
            .init(path: machine.root + "/cgroup/docker", reason: "Read-only file system", isReadOnly: true)
        ]
        #expect(machine.lines.contains("docker run --privileged --cgroupns=private …"))
        #expect(machine.finding("cgroup-place")?.fix == [])
        // Nothing is called usable that is not.
        #expect(machine.finding("memory-controller")?.detail == "the machine has it, but no cgroup can be made here")
        #expect(machine.finding("limits")?.status == .broken)
    }

    @Test func `the limits that can be had are named, and those that cannot`() {
        let machine = plain(own: "/docker", controllers: "memory pids")
        machine.write("run/.containerenv", "")
        machine.write("cgroup/cgroup.subtree_control", "memory pids\n")
        machine.write("cgroup/docker/cgroup.procs", "\(getpid())\n")
        machine.probes.mayLoadBPF = false
        #expect(
            machine.lines.contains(
                "ok limits memory pids wall-time cpu-time nofile fsize stack core; not here: cpus cpu-weight cpuset io hugepages devices"
            ))
        #expect(machine.report.exitCode == 0)
    }

    @Test func `a cgroup with processes keeps controllers from those below`() {
        let machine = plain(own: "/a/b")
        machine.fill("cgroup/a", ["cgroup.type"])
        machine.write("cgroup/cgroup.subtree_control", "")
        machine.write("cgroup/a/cgroup.procs", "17\n")
        machine.write("cgroup/a/cgroup.subtree_control", "pids\n")
        machine.write("cgroup/a/b/cgroup.procs", "18\n\(getpid())\n")
        #expect(machine.report.ids(.broken) == ["memory-controller"])
        #expect(machine.finding("memory-controller")?.detail.hasPrefix("not handed down to") == true)
        #expect(
            machine.finding("memory-controller")?.remedy?.hasSuffix(
                "do echo +$c > \(machine.root)/cgroup/a/cgroup.subtree_control; done") == true)
        // jobs has tried that itself.
        #expect(machine.finding("memory-controller")?.fix == [])
        machine.write("run/openrc/softlevel", "default\n")
        #expect(machine.lines.contains("rc_cgroup_mode=\"unified\""))
        #expect(machine.finding("memory-controller")?.fix == [])
        // Without its own processes the one in between can hand them down, which the first job sees to.
        machine.write("cgroup/a/cgroup.procs", "")
        machine.write("cgroup/a/cgroup.subtree_control", "")
        #expect(machine.report.ids(.broken) == [], "\(machine.lines)")
    }

    @Test func `in a chroot systemd's tree is left alone`() {
        let machine = plain(own: "/user.slice/user-0.slice/session-1.scope")
        machine.fill("cgroup/init.scope", ["cgroup.type"])
        #expect(machine.finding("cgroup-place")?.status == .broken)
        #expect(machine.lines.contains("mount --rbind /run ROOT/run"))
        // The same tree in a container: its engine has had the cgroup delegated.
        machine.write("run/.containerenv", "")
        machine.write("cgroup/user.slice/user-0.slice/session-1.scope/cgroup.procs", "\(getpid())\n")
        #expect(machine.finding("cgroup-place")?.status == .ok, "\(machine.lines)")
    }

    @Test func `what came of the trial outweighs all that was only looked at`() {
        let machine = Machine()
        var facts = machine.report.facts
        #expect(!Report(facts).findings.contains { $0.id == "trial" })
        facts.trial = .works(userNamespace: true)
        #expect(Report(facts).exitCode == 0)
        facts.trial = .fails(reason: "mount /proc: Operation not permitted", remedy: "see all of it")
        let report = Report(facts)
        #expect(report.exitCode == 1 && report.ids(.broken) == ["trial"])
    }

    @Test func `what is proposed is done step by step, and printed first`() {
        let machine = Machine()
        machine.write("proc/self/mountinfo", "25 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
        machine.user = Facts.User(id: 1000, name: "ada")
        machine.probes.userNamespace = .untried
        machine.write("proc/sys/user/max_user_namespaces", "0\n")
        let repair = Repair(machine.report)
        #expect(repair.findings.map(\.id) == ["cgroup-mode", "user-namespaces"])
        var said: [String] = []
        var ran: [String] = []
        let failures = repair.perform(print: { said.append($0) }) { command in
            #expect(said.last == "  $ " + command)
            ran.append(command)
            return ran.count == 1 ? 32 : 0
        }
        #expect(failures == 1 && said.contains("  failed with exit code 32"))
        #expect(ran.first == "sudo mount -t cgroup2 none /sys/fs/cgroup" && ran.count == 2)
        // A rehearsal runs nothing.
        #expect(repair.perform(print: { _ in }, run: nil) == 0 && ran.count == 2)
    }

    /// A remedy that is a choice, lowers security, or needs a reboot or an editor is told and left to the user.
    @Test func `choices are not made for the user`() {
        let machine = Machine()
        machine.canReadKernelLog = false
        machine.user = Facts.User(id: 1000, name: "ada")
        machine.write("proc/sys/kernel/dmesg_restrict", "1\n")
        #expect(machine.finding("kernel-log")?.remedy != nil && machine.finding("kernel-log")?.fix == [])
    }

    @Test func `what cannot be divided is not called usable`() {
        for (file, text) in [("cgroup.procs", "0\n\(getpid())\n"), ("cgroup.type", "domain threaded\n")] {
            let machine = plain(own: "/box")
            machine.write("cgroup/cgroup.subtree_control", "")
            machine.write("cgroup/box/cgroup.procs", "\(getpid())\n")
            #expect(machine.report.exitCode == 0, "\(machine.lines)")
            machine.write("cgroup/box/" + file, text)
            #expect(machine.finding("cgroup-place")?.detail.hasSuffix("cannot be divided") == true)
            #expect(machine.finding("limits")?.status == .broken)
        }
    }

    /// A directory's name is its maker's to choose.
    @Test func `no name of a cgroup is read by a shell`() {
        let machine = Machine()
        machine.mountHybrid()
        let namespace = AttemptName.namespace
        machine.write("cgroup/pids/run-4194399-55-\(namespace)-';id>pwned;'/tasks", "")
        machine.write("cgroup/pids/$(id) ;'x/run-4194399-55-\(namespace)/tasks", "")
        #expect(machine.finding("leftovers")?.remedy?.contains("pwned") == false)
        let command = machine.finding("leftovers")?.fix.first ?? ""
        #expect(
            command.contains("'\(machine.root)/cgroup/pids/$(id) ;'\\''x/run-4194399-55-\(namespace)'"), "\(command)")
    }

    @Test func staleCgroups() {
        let machine = Machine()
        machine.mountHybrid()
        // Above the largest pid there can be.
        let namespace = AttemptName.namespace
        machine.write("cgroup/memory/jobs/run-4194399-55-\(namespace)/tasks", "")
        machine.write("cgroup/pids/jobs/run-4194399-55-\(namespace)/tasks", "")
        machine.write("cgroup/pids/jobs/job-42.1/tasks", "")
        var lines = machine.lines
        #expect(
            lines.contains("degraded stale cgroups 1 left behind by runs that were killed: run-4194399-55-\(namespace)")
        )
        #expect(lines.contains("→ nothing: the next `jobs run` kills what is left in them and removes them"))
        machine.write("cgroup/pids/elsewhere/jobs/run-4194398-7-\(namespace)-1/tasks", "")
        lines = machine.lines
        #expect(
            lines.contains(
                "degraded stale cgroups 2 left behind by runs that were killed: run-4194398-7-\(namespace)-1, run-4194399-55-\(namespace)"
            ))
        #expect(
            lines.contains {
                $0.hasSuffix(
                    "find /cgroup/pids/elsewhere/jobs/run-4194398-7-\(namespace)-1 -depth -type d -exec rmdir {} +")
            })
    }
}

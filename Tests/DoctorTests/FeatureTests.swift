// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobModel
import Linux
import Testing

@testable import Doctor

@Suite struct FeatureTests {
    @Test func releases() {
        #expect(KernelVersion(release: "6.12.34+rpt-rpi-v8") == KernelVersion(6, 12))
        #expect(KernelVersion(release: "5.9-rc3") == KernelVersion(5, 9))
        #expect(KernelVersion(release: "unknown") == KernelVersion(0, 0))
        #expect(KernelVersion(5, 9) < KernelVersion(5, 10))
    }

    /// Debian 11: each line names what is missing and the kernel it came with.
    @Test func kernel510() {
        let machine = Machine()
        machine.write("proc/sys/kernel/osrelease", "5.10.0-33-amd64\n")
        machine.probes.calls["mount-setattr"] = .absent
        machine.remove("cgroup/user.slice/user-0.slice/session-1.scope/cgroup.kill")
        for file in ["memory.peak", "memory.swap.peak", "pids.peak"] {
            machine.remove("cgroup/system.slice/" + file)
        }
        let expected = [
            "degraded mount_setattr missing: came with kernel 5.12, this is 5.10; /sys is made read-only one mount at a time",
            "degraded cgroup.kill missing: came with kernel 5.14, this is 5.10; processes are killed one by one",
            "degraded memory peak missing: came with kernel 5.19, this is 5.10; the memory peak is null or sampled",
            "degraded swap peak missing: came with kernel 6.5, this is 5.10; the swap peak is null",
            "degraded pids peak missing: came with kernel 6.1, this is 5.10; the peak of processes is null",
        ]
        let lines = machine.lines
        for line in expected { #expect(lines.contains(line)) }
        #expect(lines.contains("→ boot a kernel from 5.14 on"))
        #expect(lines.contains("ok CLONE_INTO_CGROUP present (kernel 5.7)"))
        #expect(machine.report.exitCode == 0)
    }

    @Test func newKernelThatForbidsACall() {
        let machine = Machine()
        machine.write(".dockerenv", "")
        machine.probes.calls["clone3"] = .absent
        #expect(machine.report.ids(.broken) == ["clone3"])
        #expect(machine.lines.contains("→ start the container with a seccomp profile that knows it"))
    }

    /// Nobody to ask: the version decides, and the line says so.
    @Test func unknown() {
        let machine = Machine()
        machine.remove("cgroup/system.slice/memory.max")
        #expect(machine.lines.contains("ok memory peak came with kernel 5.19; no cgroup here could be asked for it"))
        machine.write("proc/sys/kernel/osrelease", "5.10.0-33-amd64\n")
        #expect(machine.finding("memory-peak")?.status == .degraded)
    }

    @Test func userNamespaces() {
        let machine = Machine()
        machine.probes.userNamespace = .fails("unshare is refused in one")
        machine.write("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n")
        #expect(machine.finding("user-namespaces")?.status == .degraded)
        machine.user = Facts.User(id: 1000, name: "ada")
        #expect(
            machine.lines.contains(
                "broken user namespaces kernel.apparmor_restrict_unprivileged_userns is 1: AppArmor takes the capabilities in them away; without root no job can be isolated"
            ))
        machine.write("proc/sys/kernel/unprivileged_userns_clone", "0\n")
        #expect(
            machine.lines.contains(
                "echo kernel.unprivileged_userns_clone=1 | sudo tee /etc/sysctl.d/50-jobs-kernel.unprivileged_userns_clone.conf && sudo sysctl --system"
            )
        )
        machine.write("proc/sys/user/max_user_namespaces", "0\n")
        #expect(
            machine.lines.contains {
                $0.hasPrefix("broken user namespaces user.max_user_namespaces is 0")
            })
        // A switch that did not hinder is no finding.
        machine.probes.userNamespace = .works
        #expect(machine.finding("user-namespaces")?.status == .ok)
    }

    @Test func wsl() {
        let machine = Machine()
        machine.mountHybrid()
        machine.write("proc/sys/kernel/osrelease", "5.15.167.4-microsoft-standard-WSL2\n")
        machine.remove("run/systemd/system/.keep")
        rmdir(machine.root + "/run/systemd/system")
        let lines = machine.lines
        #expect(lines.contains("degraded WSL WSL 2, where cgroup v1 is mounted beside v2"))
        for line in [
            #"→ in Windows, in the file %UserProfile%\.wslconfig:"#, "kernelCommandLine = cgroup_no_v1=all",
            "wsl --shutdown",
        ] { #expect(lines.contains(line)) }
        machine.write("proc/sys/kernel/osrelease", "4.4.0-19041-Microsoft\n")
        #expect(machine.finding("wsl")?.status == .broken)
    }

    @Test func table() {
        let machine = Machine()
        machine.probes.calls["clone3"] = .absent
        let text = Table(machine.report, width: 60).text
        #expect(
            text.contains(
                """
                broken    clone3              missing, although this kernel
                                              is new enough (5.3): built
                                              without it or forbidden by a
                                              sandbox; no job can be started
                          → boot the distribution's own kernel

                """))
        #expect(Table(machine.report, colour: true).text.contains("\u{1B}[1;31mbroken    \u{1B}[0mclone3"))
        #expect(!Table(machine.report).text.contains("\u{1B}"))
    }

    @Test func json() {
        let machine = Machine()
        let text = machine.report.json.text()
        #expect(
            text.hasPrefix(
                #"{"schema_version":1,"findings":[{"id":"machine","title":"machine","status":"ok","detail":"kernel 6.12.117+deb13-amd64","remedy":null,"fix":[]},"#
            ))
        #expect(text.hasSuffix(#""host":{"kernel":"6.12.117+deb13-amd64","cgroup_mode":"unified","board":null}}"#))
        #expect(Set(machine.report.findings.map(\.id)).count == machine.report.findings.count)
    }
}

// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Cgroups

@Suite struct CgroupManagerTests {
    private func detect(
        _ files: [String: String], _ environment: [String: String] = [:], initEnvironment: String? = nil
    ) throws -> CgroupManager {
        let tree = try FakeCgroup(files)
        return CgroupManager.detect(root: tree.path, environment: environment, initEnvironment: initEnvironment).manager
    }

    @Test func `each is known by the mark that it leaves`() throws {
        #expect(try detect([:]) == .other)
        #expect(try detect(["run/systemd/system/x": ""]) == .systemd)
        #expect(try detect([".dockerenv": ""]) == .docker)
        #expect(try detect(["run/.containerenv": ""]) == .podman)
        #expect(try detect(["run/systemd/container": "lxc-libvirt\n"]) == .lxc)
        #expect(try detect(["run/systemd/container": "systemd-nspawn\n"]) == .nspawn)
        #expect(try detect(["run/systemd/container": "rkt\n"]) == .container)
        #expect(try detect(["run/openrc/x": ""]) == .openRC)
        #expect(try detect([:], ["container": "podman"]) == .podman)
        #expect(try detect([:], initEnvironment: "A=1\0container=lxc\0") == .lxc)
        #expect(try detect([".dockerenv": ""], ["KUBERNETES_SERVICE_HOST": "::1"]) == .kubernetes)
        // A distribution of WSL is a machine of its own.
        #expect(try detect(["run/systemd/container": "wsl\n"]) == .other)
        // systemd as the init of a container: it is the one to ask.
        #expect(try detect(["run/systemd/container": "docker\n", "run/systemd/system/x": ""]) == .systemd)
    }

    private static let all: [CgroupManager] = [
        .systemd, .docker, .podman, .kubernetes, .lxc, .nspawn, .container, .openRC, .job, .other,
    ]
    private static let obstacles: [CgroupManager.Obstacle] = [.readOnly, .denied, .missingControllers, .unprivileged]

    @Test(arguments: all, obstacles) func `every obstacle has a remedy that fits`(
        manager: CgroupManager, obstacle: CgroupManager.Obstacle
    ) {
        for isRoot in [true, false] {
            let remedy = manager.remedy(for: obstacle, path: "/sys/fs/cgroup/own", isRoot: isRoot)
            #expect(!remedy.isEmpty && !remedy.hasPrefix(" ") && !remedy.hasSuffix("\n"))
            // No advice to become root for root, and none to ask a systemd that is not there.
            if isRoot { #expect(!remedy.contains("as root")) }
            let asksSystemd = remedy.contains("systemctl") && !remedy.contains("on its host")
            #expect(!asksSystemd || manager == .systemd, "\(remedy)")
        }
    }

    @Test func `containers get the line of their engine`() {
        func remedy(_ manager: CgroupManager) -> String { manager.remedy(for: .readOnly, path: "/x", isRoot: true) }
        #expect(remedy(.docker).contains("  docker run --privileged --cgroupns=private …"))
        #expect(remedy(.podman).contains("--security-opt unmask=/sys/fs/cgroup"))
        #expect(remedy(.lxc).contains("lxc.mount.auto = proc:mixed sys:mixed cgroup:rw:force"))
        #expect(remedy(.kubernetes).contains("securityContext: { privileged: true }"))
        let openRC = CgroupManager.openRC.remedy(for: .missingControllers, path: "/x", isRoot: true)
        #expect(openRC.contains("rc_cgroup_controllers=\"cpuset cpu io memory hugetlb pids\""))
    }

    @Test func `a job is known by the cgroups that it is in`() {
        #expect(CgroupManager.isInsideJob(memberships: "4:memory:/own/jobs/run-7-99-4026531836\n0::/\n"))
        #expect(CgroupManager.isInsideJob(memberships: "0::/system.slice/jobsd-77.scope/job-42.1/below\n"))
        #expect(!CgroupManager.isInsideJob(memberships: "4:memory:/own/jobs-others\n0::/user.slice/run-u17.scope\n"))
    }

    @Test func `in an error message a remedy is one line`() {
        let text = "first:\n  do this\nor second:\n  do that".asSentence
        #expect(text == "first: `do this`; or second: `do that`")
    }
}

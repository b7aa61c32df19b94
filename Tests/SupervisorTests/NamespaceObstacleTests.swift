// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import AttemptFiles
import SystemPackage
import Testing

@testable import Supervisor

@Suite struct NamespaceObstacleTests {
    @Test func `errors that say nothing of namespaces are no obstacle of theirs`() {
        #expect(NamespaceObstacle(.notPermitted) == .unprivileged && NamespaceObstacle(.noSpace) == .exhausted)
        #expect(NamespaceObstacle(.noFunction) == .noClone3)
        #expect(NamespaceObstacle(.noMemory) == nil && NamespaceObstacle(.tooManyOpenFiles) == nil)
        #expect(NamespaceObstacle(SetupFailure(step: "enter directory", detail: "/x", errno: EACCES)) == nil)
        #expect(NamespaceObstacle(SetupFailure(step: "mount", detail: "/proc", errno: ENOMEM)) == nil)
        #expect(
            NamespaceObstacle(SetupFailure(step: "mount", detail: "/proc", errno: EPERM)) == .mountRefused("/proc"))
    }

    @Test(arguments: [
        CgroupManager.docker, .podman, .kubernetes, .lxc, .nspawn, .container, .systemd, .openRC, .other,
    ])
    func `every obstacle has a remedy of one line`(manager: CgroupManager) {
        for obstacle in [
            NamespaceObstacle.unprivileged, .exhausted, .noClone3, .mountRefused("/proc"), .mountRefused("/"),
        ] {
            for isRoot in [true, false] {
                let remedy = obstacle.remedy(needsUserNamespace: true, manager: manager, isRoot: isRoot)
                #expect(!remedy.isEmpty && !remedy.contains("\n"))
                if isRoot { #expect(!remedy.contains("as root"), "\(remedy)") }
                if manager == .docker, obstacle != .exhausted { #expect(remedy.contains("docker run"), "\(remedy)") }
            }
        }
    }

    /// A container's user namespace has two ranges, as newuidmap writes them for a rootless engine.
    @Test func `ids keep their numbers in a namespace below`() {
        #expect(UserMaps.identity(of: "         0          0 4294967295\n") == "0 0 4294967295")
        #expect(
            UserMaps.identity(of: "         0       1000          1\n         1     100000      65536\n")
                == "0 0 1\n1 1 65536")
        #expect(UserMaps.identity(of: "") == "")
    }
}

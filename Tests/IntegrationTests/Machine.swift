// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Foundation
import Glibc
import Linux
import Testing

/// What the machine under test is, so that each test can say what it needs.
enum Machine {
    static let isRoot = geteuid() == 0
    /// Which virtual machine this is, `nil` on the build machine.
    static let variant = ProcessInfo.processInfo.environment["JOBS_TEST_VARIANT"]
    /// For what no kernel decides and takes long: once, here, is enough.
    static let isBuildMachine = variant == nil
    static let host = try? CgroupHost.detect()
    static let isUnified = host?.mode == .unified
    static let hasUnifiedTree = host?.unified != nil
    static let hasMemory = host?.version(of: .memory) != nil
    /// systemd hands hugetlb down to nobody, so only where we make our cgroups ourselves.
    static let hasHugepages = !isUnified && host?.version(of: .hugetlb) != nil
    static let hasSystemd = FileManager.default.fileExists(atPath: "/run/systemd/system")
    /// CAP_SYS_RESOURCE, number 24: to protect processes from the OOM killer. Containers do not have it.
    static let mayUnprotect = (try? Credentials.permitted().contains(24)) ?? false
    static let canReadKernelLog = access("/dev/kmsg", R_OK) == 0

    /// Whether the running kernel is at least `major.minor`.
    static func kernel(atLeast major: Int, _ minor: Int) -> Bool {
        let numbers = Host.kernelRelease.split(whereSeparator: { !$0.isNumber }).prefix(2).compactMap { Int($0) }
        return numbers.count == 2 && (numbers[0], numbers[1]) >= (major, minor)
    }
}

extension IntegrationTests {
    /// A skipped test counts as passed, so each virtual machine first proves that it is what its tests take it for.
    @Suite struct MachineTests {
        @Test func `the variant is what its name says`() throws {
            let host = try CgroupHost.detect()
            switch Machine.variant {
            case nil: return
            case "v2-6.12":
                #expect(
                    host.mode == .unified && Machine.hasMemory && Machine.hasSystemd && Machine.kernel(atLeast: 6, 12))
            case "v2-6.1":
                #expect(
                    host.mode == .unified && Machine.hasMemory && Machine.hasSystemd && !Machine.kernel(atLeast: 6, 2))
            case "nomem": #expect(host.mode == .unified && !Machine.hasMemory)
            case "v1-6.1": #expect(host.mode == .legacy && Machine.hasMemory)
            default: Issue.record("unknown variant \(Machine.variant ?? "")")
            }
            #expect(Machine.isRoot)
        }
    }
}

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
    static let hasSystemd = FileManager.default.fileExists(atPath: "/run/systemd/system")
    /// cgroup v2 keeps it since 5.19.
    static let hasMemoryPeak = hasMemory && (!isUnified || kernel(atLeast: 5, 19))
    /// cgroup v1 does since 6.5.
    static let countsAllIO = isUnified || kernel(atLeast: 6, 5)
    /// systemd hands hugetlb down to nobody, so only where we make our cgroups ourselves.
    static let hasHugepages = !(isUnified && hasSystemd) && host?.version(of: .hugetlb) != nil
    /// CAP_SYS_RESOURCE, number 24: to protect processes from the OOM killer. Containers do not have it.
    static let mayUnprotect = (try? Credentials.permitted().contains(24)) ?? false
    static let canReadKernelLog = access("/dev/kmsg", R_OK) == 0

    /// Whether the running kernel is at least `major.minor`.
    static func kernel(atLeast major: Int, _ minor: Int) -> Bool {
        let numbers = Host.kernelRelease.split(whereSeparator: { !$0.isNumber }).prefix(2).compactMap { Int($0) }
        return numbers.count == 2 && (numbers[0], numbers[1]) >= (major, minor)
    }
}

/// The reason is what a skipped test is listed with.
extension Trait where Self == ConditionTrait {
    static var needsRoot: Self { .enabled(if: Machine.isRoot, "needs root") }
    static var needsUnified: Self { .enabled(if: Machine.isUnified, "needs cgroup v2") }
    static var needsUnifiedTree: Self { .enabled(if: Machine.hasUnifiedTree, "needs a tree of cgroup v2") }
    static var needsMemory: Self { .enabled(if: Machine.hasMemory, "needs the memory controller") }
    static var needsNoMemory: Self { .enabled(if: !Machine.hasMemory, "needs a missing memory controller") }
    static var needsHugepages: Self { .enabled(if: Machine.hasHugepages, "needs the hugetlb controller") }
    static var needsSystemd: Self { .enabled(if: Machine.hasSystemd, "needs systemd") }
    static var needsNoSystemd: Self { .enabled(if: !Machine.hasSystemd, "needs a machine without systemd") }
    static var needsTester: Self { .enabled(if: getpwnam("tester") != nil, "needs the virtual machines' user") }
    static var needsKernelLog: Self { .enabled(if: Machine.canReadKernelLog, "needs /dev/kmsg") }
    static var needsResourceCapability: Self { .enabled(if: Machine.mayUnprotect, "needs CAP_SYS_RESOURCE") }
    static var onBuildMachine: Self {
        .enabled(if: Machine.isBuildMachine, "the same on every kernel, so only on the build machine")
    }
    static var inVirtualMachine: Self {
        .enabled(if: Machine.variant != nil, "takes over the whole machine, so only in a virtual one")
    }
}

extension IntegrationTests {
    /// A test that is skipped by mistake fails nowhere, so each virtual machine first proves that it is what its tests
    /// take it for.
    @Suite struct MachineTests {
        @Test func `the variant is what its name says`() throws {
            guard let variant = Machine.variant else { return }
            #expect(Machine.isRoot)
            let mode = try CgroupHost.detect().mode
            #expect(mode == (variant.hasPrefix("v1") ? .legacy : .unified))
            #expect(Machine.hasMemory == (variant != "nomem"))
            #expect(Machine.hasSystemd == !variant.hasPrefix("plain"))
            let kernel: (major: Int, minor: Int)
            switch variant {
            case "v2-5.10": kernel = (5, 10)
            case "v2-6.1", "v1-6.1": kernel = (6, 1)
            case "v2-6.12", "nomem", "plain", "plain-nested", "plain-cgns": kernel = (6, 12)
            default:
                Issue.record("unknown variant \(variant)")
                return
            }
            #expect(
                Machine.kernel(atLeast: kernel.major, kernel.minor)
                    && !Machine.kernel(atLeast: kernel.major, kernel.minor + 1))
            // The tests' own cgroup as they find it: nobody divided it for them, except systemd.
            guard variant.hasPrefix("plain") else { return }
            let own = try String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8)
            let top = try String(contentsOfFile: "/sys/fs/cgroup/cgroup.controllers", encoding: .utf8)
            #expect(top.contains("memory"))
            // Below its root a cgroup has a type; the real root has none.
            #expect(
                FileManager.default.fileExists(atPath: "/sys/fs/cgroup/cgroup.type") == (variant == "plain-cgns"))
            // Tests that ran before may have had us moved to a leaf below.
            let place = variant == "plain-nested" ? "0::/nested" : "0::/"
            #expect(own.hasPrefix(place), "\(own)")
        }
    }
}

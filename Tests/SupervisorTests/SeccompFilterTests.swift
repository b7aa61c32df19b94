// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Foundation
import JobModel
import Testing

@testable import Supervisor

@Suite struct SeccompFilterTests {
    /// A row of SECURITY.md's table for each answer, with the calls in their order.
    @Test func `the document names every call that is refused`() throws {
        let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: repository.appending(path: "SECURITY.md"), encoding: .utf8)
        func row(_ calls: [String], _ answers: String) -> String {
            "| " + calls.map { "`\($0)`" }.joined(separator: ", ") + " | \(answers) |"
        }
        for row in [
            row(SeccompFilter.refused, "EPERM | EPERM"), row(SeccompFilter.keyrings, "ENOSYS | ENOSYS"),
            row(SeccompFilter.refusedUnlessNested, "EPERM | allowed"), row(SeccompFilter.mounts, "ENOSYS | allowed"),
        ] {
            #expect(text.contains(row), "missing: \(row)")
        }
        let calls = SeccompFilter.refused + SeccompFilter.keyrings + SeccompFilter.refusedUnlessNested
        for call in calls + SeccompFilter.mounts { #expect(SeccompFilter.isKnown(call), "\(call)") }
    }

    private func rules(_ profile: SeccompProfile, cgroup: Bool = false, _ mode: CgroupHost.Mode = .unified)
        -> SeccompFilter.Rules
    {
        var isolation = Isolation()
        (isolation.seccomp, isolation.cgroup) = (profile, cgroup)
        return SeccompFilter.Rules(isolation, mode)
    }

    @Test func `cgroup namespaces take nested, a leaf below the limits, and cgroup v2 alone`() {
        #expect(rules(.nested, cgroup: true).allowsCgroupNamespaces)
        #expect(!rules(.default, cgroup: true).allowsCgroupNamespaces)
        #expect(!rules(.nested).allowsCgroupNamespaces)
        for mode in [CgroupHost.Mode.hybrid, .legacy] {
            #expect(!rules(.nested, cgroup: true, mode).allowsCgroupNamespaces)
        }
    }

    @Test func `the profiles share what keeps a job from its limits`() throws {
        let (standard, nested) = (try SeccompFilter.compile(rules(.default)), try SeccompFilter.compile(rules(.nested)))
        #expect(standard.command == nested.command && standard.jobsInit != nested.jobsInit)
        let free = try SeccompFilter.compile(rules(.nested, cgroup: true))
        #expect(free.jobsInit == nested.jobsInit && free.command != nested.command)
        // A filter has at most 4096 instructions of eight bytes (BPF_MAXINSNS).
        for program in [standard.jobsInit, nested.jobsInit, nested.command, free.command] {
            #expect(!program.isEmpty && program.count % 8 == 0 && program.count / 8 <= 4096)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Cgroups
import JobModel

/// All findings about a machine.
package struct Report: Sendable {
    package let facts: Facts
    package let findings: [Finding]

    /// The order is that of the table: what the machine is, what limits it can set, what else jobs make use of.
    package init(_ facts: Facts) {
        self.facts = facts
        var findings =
            facts.platformFindings + facts.cgroupFindings + facts.delegationFindings + facts.controllerFindings
            + facts.memoryFindings + facts.namespaceFindings + facts.trialFindings + facts.featureFindings
            + facts.leftoverFindings
        // Containers often have no sudo, and root has no use for it.
        if facts.user.isRoot { for index in findings.indices { findings[index].dropSudo() } }
        self.findings = findings
    }

    package func count(_ status: Finding.Status) -> Int { findings.count { $0.status == status } }

    /// 0 unless something is broken.
    package var exitCode: Int32 { count(.broken) == 0 ? 0 : 1 }

    package var json: JSON {
        .object([
            "schema_version": .int(1),
            "findings": .array(findings.map(\.json)),
            "host": .object([
                "kernel": .string(facts.kernelRelease), "cgroup_mode": .string(facts.cgroups?.mode.rawValue),
                "board": .string(facts.platform.model),
            ]),
        ])
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel

/// Doing what a report proposes, as far as a program may decide it: `jobs doctor --fix`.
///
/// A reboot, an editor, a choice between two ways and a change that gives something up stay the user's: these remedies
/// are only told.
package struct Repair {
    let findings: [Finding]

    package init(_ report: Report) { findings = report.findings.filter { !$0.fix.isEmpty } }

    /// Whether there is anything that could be done.
    package var isEmpty: Bool { findings.isEmpty }

    /// Prints every step, and runs it unless this is only a rehearsal. A failed step ends the finding that it belongs to.
    ///
    /// - Parameter run: runs a command by a shell, and returns its exit code; `nil` for a rehearsal.
    /// - Returns: how many findings a step failed for.
    package func perform(print: (String) -> Void, run: ((String) -> Int32)?) -> Int {
        var failures = 0
        for finding in findings {
            print("\(finding.title): \(finding.detail.printable)")
            for command in finding.fix {
                print("  $ \(command.printable)")
                guard let code = run?(command), code != 0 else { continue }
                print("  failed with exit code \(code)")
                failures += 1
                break
            }
        }
        return failures
    }
}

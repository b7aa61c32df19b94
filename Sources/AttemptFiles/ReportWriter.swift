// SPDX-License-Identifier: Apache-2.0

/// Writes a report: ``FileFormat/header`` and the first frame in one piece, since an empty report says that nothing has run.
package struct ReportWriter: Sendable {
    private var hasBegun = false

    package init() {}

    /// The bytes to be written next, at once.
    package mutating func bytes(of report: Report) -> [UInt8] {
        guard hasBegun else {
            hasBegun = true
            return FileFormat.current.header + report.encoded()
        }
        return report.encoded()
    }
}

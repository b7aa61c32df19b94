// SPDX-License-Identifier: Apache-2.0
import JobModel

/// The report for people: one line per finding, its remedy below it.
package struct Table {
    let report: Report
    let colour: Bool
    /// `nil` does not wrap: what is not a terminal may be searched line by line.
    let width: Int?
    let onlyProblems: Bool

    private static let statusWidth = 10

    /// - Parameter onlyProblems: leaves out what is as it should be.
    package init(_ report: Report, colour: Bool = false, width: Int? = nil, onlyProblems: Bool = false) {
        self.report = report
        self.onlyProblems = onlyProblems
        self.colour = colour
        self.width = width
    }

    package var text: String {
        let findings = onlyProblems ? report.findings.filter { $0.status != .ok } : report.findings
        let titleWidth = (findings.map(\.title.count).max() ?? 0) + 2
        var lines: [String] = []
        for finding in findings {
            let lead = paint(finding.status) + pad(finding.title, to: titleWidth)
            let details = wrap(finding.detail.printable, indent: Self.statusWidth + titleWidth)
            lines.append(lead + details[0])
            lines += details.dropFirst().map { spaces(Self.statusWidth + titleWidth) + $0 }
            lines += remedy(finding.remedy)
        }
        let counts = Finding.Status.allCases.map { "\(report.count($0)) \($0.rawValue)" }
        return (lines + ["", counts.joined(separator: ", ")]).joined(separator: "\n") + "\n"
    }

    private func remedy(_ text: String?) -> [String] {
        let indent = spaces(Self.statusWidth)
        return (text ?? "").split(separator: "\n").flatMap { line in
            // A command is to be copied: broken over two lines it would be two commands.
            let line = String(line).printable
            if line.first == " " { return [indent + "  " + line] }
            let parts = wrap(line, indent: Self.statusWidth + 2)
            return [indent + "→ " + parts[0]] + parts.dropFirst().map { indent + "  " + $0 }
        }
    }

    private func paint(_ status: Finding.Status) -> String {
        let word = pad(status.rawValue, to: Self.statusWidth)
        return colour ? "\u{1B}[1;\(status.colour)m\(word)\u{1B}[0m" : word
    }

    private func wrap(_ text: String, indent: Int) -> [String] {
        // Below some twenty columns wrapping only makes a tower of words.
        guard let width, width - indent >= 20 else { return [text] }
        return text.wrapped(to: width - indent)
    }

    private func pad(_ text: String, to width: Int) -> String { text + spaces(width - text.count) }
    private func spaces(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }
}

extension Finding.Status {
    fileprivate var colour: Int {
        switch self {
        case .ok: 32
        case .degraded: 33
        case .broken: 31
        }
    }
}

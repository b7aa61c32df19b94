// SPDX-License-Identifier: Apache-2.0
import JobModel

/// One thing that was looked at, how it is, and what to do about it.
package struct Finding: Hashable, Sendable {
    package enum Status: String, Hashable, Sendable, CaseIterable {
        case ok
        /// Jobs run, with less than they could have.
        case degraded
        /// Jobs with ordinary limits are refused or cannot start.
        case broken
    }

    /// Stable, for scripts: `memory-controller`.
    package var id: String
    package var title: String
    package var status: Status
    package var detail: String
    /// Lines of text; a line that begins with a space is a command to copy.
    package var remedy: String?
    /// The commands of the remedy are all that is to be done, and take nothing away that the user may want: `--fix` runs them.
    package var isFixable: Bool

    package init(
        _ id: String, _ title: String, _ status: Status, _ detail: String, remedy: String? = nil,
        isFixable: Bool = false
    ) {
        self.id = id
        self.title = title
        self.status = status
        self.detail = detail
        self.remedy = remedy
        self.isFixable = isFixable
    }

    /// Root's commands as root runs them.
    mutating func dropSudo() {
        let lines = (remedy ?? "").split(separator: "\n", omittingEmptySubsequences: false).map { line in
            guard line.first == " " else { return String(line) }
            return line.split(separator: " ", omittingEmptySubsequences: false).filter { $0 != "sudo" }
                .joined(separator: " ")
        }
        remedy = remedy == nil ? nil : lines.joined(separator: "\n")
    }

    /// The commands that `--fix` runs, one after the other.
    package var fix: [String] {
        guard isFixable, status != .ok else { return [] }
        return (remedy ?? "").split(separator: "\n").filter { $0.first == " " }.map { String($0.drop { $0 == " " }) }
    }

    package var json: JSON {
        .object([
            "id": .string(id), "title": .string(title), "status": .string(status.rawValue), "detail": .string(detail),
            "remedy": .string(remedy), "fix": .array(fix.map { .string($0) }),
        ])
    }
}

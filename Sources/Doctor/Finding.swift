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

    package init(_ id: String, _ title: String, _ status: Status, _ detail: String, remedy: String? = nil) {
        self.id = id
        self.title = title
        self.status = status
        self.detail = detail
        self.remedy = remedy
    }

    package var json: JSON {
        .object([
            "id": .string(id), "title": .string(title), "status": .string(status.rawValue), "detail": .string(detail),
            "remedy": .string(remedy),
        ])
    }
}

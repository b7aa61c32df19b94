// SPDX-License-Identifier: Apache-2.0
import JobModel

/// What the place that text goes to can show.
package struct Style: Hashable, Sendable {
    /// Columns of the terminal; `nil` where nobody counts, and nothing is cut.
    package var width: Int?
    package var colour: Bool

    package init(width: Int? = nil, colour: Bool = false) {
        self.width = width
        self.colour = colour
    }

    /// For pipes and files.
    package static let plain = Style()

    /// The text in a state's colour: green for what went well, red for what did not, yellow for what waits.
    package func paint(_ text: String, _ state: JobState) -> String {
        colour ? "\u{1B}[1;\(state.colour)m\(text)\u{1B}[0m" : text
    }

    package func bold(_ text: String) -> String { colour ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
    package func dim(_ text: String) -> String { colour ? "\u{1B}[2m\(text)\u{1B}[0m" : text }
}

extension JobState {
    /// ANSI colour: green for what went well, red for what did not, yellow for what somebody decided.
    package var colour: Int {
        switch self {
        case .completed: 32
        case .failed, .outOfMemory, .timeout, .lost: 31
        case .running: 34
        case .pending, .held, .suspended, .cancelled, .skipped: 33
        }
    }
}

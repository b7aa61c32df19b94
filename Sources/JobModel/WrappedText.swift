// SPDX-License-Identifier: Apache-2.0

extension String {
    /// Lines of at most `room` characters, broken at spaces only; at least one. A word longer than a line stays whole.
    package func wrapped(to room: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in split(separator: " ") {
            if !line.isEmpty, line.count + 1 + word.count > room {
                lines.append(line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        return lines + [line]
    }
}

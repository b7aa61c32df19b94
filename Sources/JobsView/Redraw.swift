// SPDX-License-Identifier: Apache-2.0

/// Draws text over the text drawn before it, without taking the screen: what is drawn last stays.
package struct Redraw {
    private var height = 0

    package init() {}

    /// What to write so that `text` stands where the previous one stood; `rows` is the terminal's height.
    package mutating func over(_ text: String, rows: Int?) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        // The cursor cannot move above the screen: what does not fit is left out, not drawn twice.
        if let rows, lines.count >= rows, rows > 2 { lines = Array(lines.prefix(rows - 2)) + ["…"] }
        var out = height > 0 ? "\u{1B}[\(height)A\r" : "\r"
        // Line by line, because clearing everything first flickers.
        out += lines.map { $0 + "\u{1B}[K\n" }.joined()
        out += "\u{1B}[J"
        height = lines.count
        return out
    }
}

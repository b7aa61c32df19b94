// SPDX-License-Identifier: Apache-2.0
import JobModel

/// Rows under a header, as wide as they need to be; the last column takes what is left of the terminal.
struct TextTable {
    struct Column {
        var title: String
        var alignsRight = false
        /// Wider text is cut.
        var widest: Int?
        /// What goes first when the terminal is too narrow: the highest number. `nil` stays.
        var expendable: Int?
    }

    struct Cell {
        var text: String
        /// In whose colour it is written.
        var state: JobState?

        init(_ text: String, state: JobState? = nil) {
            self.text = text.printable
            self.state = state
        }
    }

    var columns: [Column]
    var rows: [[Cell]] = []

    /// The narrowest last column that still says something.
    private static let least = 16

    func lines(_ style: Style) -> [String] {
        var kept = Array(columns.indices)
        var widths = kept.map { width(of: $0, style) }
        while let limit = style.width, room(limit, kept, widths) < Self.least,
            let victim = kept.filter({ columns[$0].expendable != nil }).max(by: {
                columns[$0].expendable! < columns[$1].expendable!
            }), let place = kept.firstIndex(of: victim)
        {
            kept.remove(at: place)
            widths.remove(at: place)
        }
        if let limit = style.width, let last = widths.indices.last {
            widths[last] = max(1, min(widths[last], room(limit, kept, widths)))
        }
        let header = kept.map { Cell(columns[$0].title) }
        return [style.dim(line(header, kept, widths, .plain))]
            + rows.map { row in line(kept.map { row[$0] }, kept, widths, style) }
    }

    private func width(of column: Int, _ style: Style) -> Int {
        let widest = rows.reduce(columns[column].title.displayWidth) { max($0, $1[column].text.displayWidth) }
        guard style.width != nil, let limit = columns[column].widest else { return widest }
        return min(widest, limit)
    }

    /// What the last column may have.
    private func room(_ limit: Int, _ kept: [Int], _ widths: [Int]) -> Int {
        limit - widths.dropLast().reduce(0) { $0 + $1 + 2 }
    }

    private func line(_ cells: [Cell], _ kept: [Int], _ widths: [Int], _ style: Style) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            let isLast = index == cells.count - 1
            let cut = cell.text.truncated(to: widths[index])
            let right = columns[kept[index]].alignsRight
            // Colour goes around the text alone, so that padding is not measured with it.
            let padding = String(repeating: " ", count: max(0, widths[index] - cut.displayWidth))
            let painted = cell.state.map { style.paint(cut, $0) } ?? cut
            line += right ? padding + painted : isLast ? painted : painted + padding
            if !isLast { line += "  " }
        }
        while line.hasSuffix(" ") { line.removeLast() }
        return line
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Text of other users as it may be written to a terminal or a log that people read.
extension String {
    /// With what a terminal would obey, and what would begin a new line, as the escape it is written as in most languages:
    /// names, commands and messages may come from other users.
    public var printable: String {
        guard unicodeScalars.contains(where: \.isControl) else { return self }
        var result = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            case "\u{1b}": result += "\\e"
            case _ where !scalar.isControl: result.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16)
                result += scalar.value < 0x100 ? "\\x" + (digits.count < 2 ? "0" : "") + digits : "\\u{\(digits)}"
            }
        }
        return result
    }

    /// The same of each of its lines, for text of ours in several lines.
    public var printableLines: String {
        guard unicodeScalars.contains(where: \.isControl) else { return self }
        return split(separator: "\n", omittingEmptySubsequences: false).map { String($0).printable }.joined(
            separator: "\n")
    }
}

extension Unicode.Scalar {
    /// C0, DEL, C1, the marks that turn the direction of text, and the separators of lines and paragraphs.
    fileprivate var isControl: Bool {
        value < 0x20 || (0x7F..<0xA0).contains(value) || [0x61C, 0x200E, 0x200F, 0x2028, 0x2029].contains(value)
            || (0x202A...0x202E).contains(value) || (0x2066...0x2069).contains(value)
    }
}

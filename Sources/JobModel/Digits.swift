// SPDX-License-Identifier: Apache-2.0

/// Digits and nothing else, unlike `Int(_:)`, which takes a sign.
func digits(_ text: Substring) -> Int? { text.isDigits ? Int(text) : nil }

extension StringProtocol {
    /// Whether every character is an ASCII digit, as of a number that is too large for `Int` as well.
    var isDigits: Bool { utf8.allSatisfy { (0x30...0x39).contains($0) } }
}

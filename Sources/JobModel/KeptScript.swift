// SPDX-License-Identifier: Apache-2.0

/// A script as it was submitted, for when the file at its path has become another one, or is gone.
public struct KeptScript: Hashable, Sendable {
    /// Where it was.
    public var path: String
    public var text: String
    /// The words of its `#!` line, or the program that its name tells.
    public var interpreter: [String]

    public init(path: String, text: String, interpreter: [String]) {
        self.path = path
        self.text = text
        self.interpreter = interpreter
    }
}

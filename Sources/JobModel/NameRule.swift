// SPDX-License-Identifier: Apache-2.0

/// What a job or a group of jobs may be called: whatever fits into one line and one part of a path.
public enum NameRule {
    /// What is wrong with a name, to follow its mention; `nil` if nothing is.
    public static func problem(of name: String) -> String? {
        if name.isEmpty { return "must not be empty" }
        if name.contains("/") { return "must not contain '/'" }
        if name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
            return "must not contain control characters"
        }
        return name.utf8.count > 128 ? "must not be longer than 128 bytes" : nil
    }
}

// SPDX-License-Identifier: Apache-2.0

/// A place in a file. Lines and columns count from 1, columns in Unicode scalars, as compilers and editors do.
public struct Position: Hashable, Sendable, Comparable {
    public var line: Int
    public var column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    public static func < (a: Self, b: Self) -> Bool { (a.line, a.column) < (b.line, b.column) }
}

/// One thing that is wrong: where, what was found, what is allowed and which right word is nearest.
///
/// A problem in a file prints as a compiler would print it, so that editors and CI can jump to it:
/// `jobs/x.yaml:4:3: error: unknown key 'memmory' in limits; did you mean 'memory'? Allowed: memory, swap, …`.
/// A problem with a flag has no file and prints as its text alone.
public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
    public var file: String?
    public var position: Position?
    public var message: String
    /// The right word that is nearest to the wrong one.
    public var suggestion: String?
    /// Every word that would be right here; empty when there is no such list.
    public var allowed: [String]

    public init(
        _ message: String, suggestion: String? = nil, allowed: [String] = [], file: String? = nil,
        at position: Position? = nil
    ) {
        self.message = message
        self.suggestion = suggestion
        self.allowed = allowed
        self.file = file
        self.position = position
    }

    /// The problem without its place.
    public var text: String {
        var text = message
        if let suggestion { text += "; did you mean '\(suggestion)'?" }
        if !allowed.isEmpty {
            text += (suggestion == nil ? ". " : " ") + "Allowed: " + allowed.joined(separator: ", ")
        }
        return text
    }

    public var description: String {
        guard let file else { return text }
        let place = position.map { "\(file):\($0.line):\($0.column)" } ?? file
        return "\(place): error: \(text)"
    }

    /// The same problem under the name of the setting it is about.
    func under(_ name: String) -> Problem {
        var problem = self
        problem.message = "\(name): \(message)"
        return problem
    }

    /// The same problem at `place`, unless it knows a closer one.
    func at(_ place: Position?) -> Problem {
        var problem = self
        problem.position = position ?? place
        return problem
    }
}

/// Why a job file could not be used: everything that is wrong with it, in the order of the file.
public struct JobFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What a caller may want to answer differently.
    public enum Kind: Hashable, Sendable {
        /// No such job or file.
        case notFound
        /// It is there, but reading it failed.
        case unreadable
        /// It was read and says something wrong.
        case invalid
    }

    public var kind: Kind
    public var problems: [Problem]

    public init(_ kind: Kind, _ problems: [Problem]) {
        self.kind = kind
        self.problems = problems
    }

    /// One line per problem.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}

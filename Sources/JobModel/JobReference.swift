// SPDX-License-Identifier: Apache-2.0

/// A word that selects jobs, wherever jobs are named: `42`, `42-50`, `42[3]`, or a job's name.
///
/// An id selects its job, and the id of an array the whole array, as in Slurm. A range selects the jobs of those ids. A name
/// selects the jobs of that name that have not ended, or, if all have, the newest; of an array always all elements.
public enum JobReference: Hashable, Sendable, CustomStringConvertible {
    case id(Int)
    case range(Int, Int)
    /// One element of an array: `42[3]`, or `42_3` as Slurm writes it, which no shell takes for a pattern.
    case element(array: Int, index: Int)
    case name(String)

    public init(_ word: String) {
        self = Self.id(of: word) ?? Self.range(of: word) ?? Self.element(of: word) ?? .name(word)
    }

    private static func id(of word: String) -> Self? { digits(word[...]).map { .id($0) } }

    private static func range(of word: String) -> Self? {
        let ends = word.split(separator: "-", omittingEmptySubsequences: false).map(digits)
        guard ends.count == 2, let first = ends[0], let last = ends[1], first <= last else { return nil }
        return .range(first, last)
    }

    private static func element(of word: String) -> Self? {
        let mark: Character = word.hasSuffix("]") ? "[" : "_"
        let parts = (mark == "[" ? word.dropLast() : word[...]).split(separator: mark, omittingEmptySubsequences: false)
        guard parts.count == 2, let array = digits(parts[0]), let index = digits(parts[1]) else { return nil }
        return .element(array: array, index: index)
    }

    public var description: String {
        switch self {
        case .id(let id): "\(id)"
        case .range(let first, let last): "\(first)-\(last)"
        case .element(let array, let index): "\(array)[\(index)]"
        case .name(let name): name
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Which of the submitter's environment variables a queued job gets, beside a clean environment of the daemon's making.
public enum ExportPolicy: Hashable, Sendable {
    case none
    case all
    /// `NAME` with the submitter's value, or `NAME=VALUE`.
    case some([Item])

    public struct Item: Hashable, Sendable, CustomStringConvertible {
        public var name: String
        public var value: String?

        public init(name: String, value: String?) {
            self.name = name
            self.value = value
        }

        /// `NAME` or `NAME=VALUE`.
        public var description: String { name + (value.map { "=" + $0 } ?? "") }
    }

    /// Reads `NONE`, `ALL`, or `NAME,NAME=VALUE`, where a value ends at the next comma.
    public init(parsing text: String) throws(QuantityError) {
        try self.init(items: text.split(separator: ",", omittingEmptySubsequences: false).map(String.init))
    }

    /// Reads the items of a list, whose values may hold commas.
    public init(items texts: [String]) throws(QuantityError) {
        if texts == ["NONE"] || texts.isEmpty {
            self = .none
            return
        }
        if texts == ["ALL"] {
            self = .all
            return
        }
        var items: [Item] = []
        for text in texts {
            let halves = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = halves[0].trimmingSpaces()
            guard !name.isEmpty else {
                throw QuantityError(
                    texts.joined(separator: ","), "expected NONE, ALL, or names such as LANG,OMP_NUM_THREADS=4")
            }
            // `A=1,2,3` would lose all but the first.
            if let first = name.utf8.first, (0x30...0x39).contains(first) {
                throw QuantityError(
                    texts.joined(separator: ","),
                    "'\(name)' is no variable's name; a value ends at the comma, so set one that holds commas with --env NAME=VALUE"
                )
            }
            // Slurm's `ALL,NAME=VALUE` would otherwise ask for a variable of that name and get nothing.
            if halves.count == 1, name == "ALL" || name == "NONE" {
                throw QuantityError(
                    texts.joined(separator: ","), "\(name) stands alone; set single variables with --env NAME=VALUE")
            }
            items.append(Item(name: name, value: halves.count == 2 ? halves[1] : nil))
        }
        self = .some(items)
    }

    /// The variables to send along, from all that the submitter has.
    public func exported(from environment: [String: String]) -> [String: String] {
        switch self {
        case .none: return [:]
        case .all: return environment
        case .some(let items):
            var result: [String: String] = [:]
            for item in items { result[item.name] = item.value ?? environment[item.name] }
            return result
        }
    }
}

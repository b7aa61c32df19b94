// SPDX-License-Identifier: Apache-2.0

/// Which of the submitter's environment variables a queued job gets, beside a clean environment of the daemon's making.
public enum ExportPolicy: Hashable, Sendable {
    case none
    case all
    /// `NAME` with the submitter's value, or `NAME=VALUE`.
    case some([Item])

    public struct Item: Hashable, Sendable {
        public var name: String
        public var value: String?

        public init(name: String, value: String?) {
            self.name = name
            self.value = value
        }
    }

    /// Reads `NONE`, `ALL`, or `NAME,NAME=VALUE`.
    public init(parsing text: String) throws(QuantityError) {
        switch text {
        case "NONE": self = .none
        case "ALL": self = .all
        default:
            var items: [Item] = []
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                guard let name = halves.first, !name.isEmpty else {
                    throw QuantityError(text, "expected NONE, ALL, or names such as LANG,OMP_NUM_THREADS=4")
                }
                items.append(Item(name: name, value: halves.count == 2 ? halves[1] : nil))
            }
            self = .some(items)
        }
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

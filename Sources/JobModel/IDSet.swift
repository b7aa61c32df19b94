// SPDX-License-Identifier: Apache-2.0

/// A set of CPU or memory-node numbers in the kernel's list format: `0-3,8`.
public struct IDSet: Hashable, Sendable, CustomStringConvertible {
    public var ids: [Int]

    public init(_ ids: some Sequence<Int>) { self.ids = Set(ids).sorted() }

    private static let mostNamed = 65_536

    /// Reads the list format of `cpuset(7)`.
    public init(parsing text: String) throws(QuantityError) {
        var ids: Set<Int> = []
        // Counted as often as it is named: 60,000 times `0-65535` would take minutes.
        var named = 0
        for part in text.trimmingSpaces().split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map {
                $0.hasPrefix("+") ? nil : Int($0)
            }
            switch ends.count {
            case 1:
                guard let id = ends[0], id >= 0, id < 65536 else {
                    throw QuantityError(text, "expected a list such as 0-3,8")
                }
                named += 1
                ids.insert(id)
            case 2:
                guard let low = ends[0], let high = ends[1], low >= 0, low <= high, high < 65536 else {
                    throw QuantityError(text, "expected a list such as 0-3,8")
                }
                named += high - low + 1
                guard named <= Self.mostNamed else { break }
                ids.formUnion(low...high)
            default: throw QuantityError(text, "expected a list such as 0-3,8")
            }
            guard named <= Self.mostNamed else {
                throw QuantityError(
                    "\(text.prefix(60))…", "a list names \(Self.mostNamed) at most, each as often as it stands there")
            }
        }
        self.ids = ids.sorted()
    }

    public var description: String {
        var parts: [String] = []
        var index = 0
        while index < ids.count {
            var end = index
            while end + 1 < ids.count, ids[end + 1] == ids[end] + 1 { end += 1 }
            parts.append(end == index ? "\(ids[index])" : "\(ids[index])-\(ids[end])")
            index = end + 1
        }
        return parts.joined(separator: ",")
    }
}

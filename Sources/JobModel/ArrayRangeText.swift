// SPDX-License-Identifier: Apache-2.0

extension ArrayRange: CustomStringConvertible {
    /// More would be a mistake more often than a wish.
    public static let largest = 100_000

    /// Reads `0-99`, `0-99%8` (eight at once), `0-100:10` (every tenth) and lists of those, as Slurm does.
    public init(parsing text: String) throws(QuantityError) {
        let expected = "expected indices such as 0-99, 0-99%8 or 1,3,5"
        let halves = text.trimmingSpaces().split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        var parallel: Int?
        if halves.count == 2 {
            guard let number = digits(halves[1]), number > 0 else {
                throw QuantityError(text, "after % stands how many may run at once, at least 1")
            }
            parallel = number
        }
        var ids: Set<Int> = []
        var named = 0
        for part in halves[0].split(separator: ",", omittingEmptySubsequences: false) {
            let stepped = part.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let ends = stepped[0].split(separator: "-", omittingEmptySubsequences: false).map(digits)
            guard let low = ends[0], let high = ends[ends.count - 1], ends.count <= 2, low <= high,
                high < 1_000_000_000
            else { throw QuantityError(text, expected) }
            var step = 1
            if stepped.count == 2 {
                guard let number = digits(stepped[1]), number > 0, ends.count == 2 else {
                    throw QuantityError(text, expected)
                }
                step = number
            }
            // Before they are made, and each as often as it is named: a long list of the same long range would take long.
            named += (high - low) / step + 1
            guard named <= Self.largest else {
                throw QuantityError(
                    text.count > 60 ? "\(text.prefix(60))…" : text, "an array has \(Self.largest) jobs at most")
            }
            ids.formUnion(stride(from: low, through: high, by: step))
        }
        self.init(indices: IDSet(ids), parallel: parallel)
    }

    /// `0-99%8`, `0-100:10`: what ``init(parsing:)`` reads as this.
    public var description: String {
        let ids = indices.ids
        var text = indices.description
        // Every second of 100,000 as a list is half a megabyte.
        if ids.count > 2, case let step = ids[1] - ids[0], step > 1,
            zip(ids, ids.dropFirst()).allSatisfy({ $1 - $0 == step })
        {
            text = "\(ids[0])-\(ids[ids.count - 1]):\(step)"
        }
        return text + (parallel.map { "%\($0)" } ?? "")
    }
}

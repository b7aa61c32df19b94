// SPDX-License-Identifier: Apache-2.0

/// A number of CPUs in thousandths, written as `1.5`.
///
/// Thousandths because the kernel's quota is microseconds per period: 0.001 CPU of a 100 ms period is its minimum of 1 ms
/// only from 0.01 upwards, which is therefore the smallest accepted value.
public struct CPUCount: Hashable, Sendable, Comparable, CustomStringConvertible {
    public var milli: Int

    public init(milli: Int) { self.milli = milli }

    public static func < (a: Self, b: Self) -> Bool { a.milli < b.milli }

    public var value: Double { Double(milli) / 1000 }

    /// Thousandths of a CPU, up to more than any machine has.
    package static let countable = 0...1_000_000_000

    /// From a record or an answer; `nil` for what no machine has.
    public init?(value: Double) {
        guard let milli = Int(exactly: (value * 1000).rounded()), Self.countable.contains(milli) else {
            return nil
        }
        self.milli = milli
    }

    public init(parsing text: String) throws(QuantityError) {
        let (number, unit) = try splitNumber(text, expecting: "a number of CPUs such as 2 or 0.5")
        if unit == "%" {
            let count = exact(number, times: 10).map { Self(milli: $0).description }
            throw QuantityError(text, "CPUs are counted, not per cent" + (count.map { ": write \($0)" } ?? ""))
        }
        guard unit.isEmpty else { throw QuantityError(text, "expected a number of CPUs such as 2 or 0.5") }
        guard let milli = exact(number, times: 1000), milli >= 10, milli <= 1_000_000 else {
            throw QuantityError(text, "must be between 0.01 and 1000 CPUs")
        }
        self.milli = milli
    }

    public var description: String { fixed(value, digits: 3) }
}

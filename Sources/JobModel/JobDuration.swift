// SPDX-License-Identifier: Apache-2.0

/// A span of time in microseconds, written by people as `90s`, `5m`, `1h30m`, `2d`.
public struct JobDuration: Hashable, Sendable, Comparable {
    public var microseconds: Int

    public init(microseconds: Int) { self.microseconds = microseconds }

    /// The longest that a job may ask for: a hundred years of 365.25 days.
    public static let longest = JobDuration(microseconds: 36525 * 86_400_000_000)

    public static func seconds(_ seconds: Int) -> Self { Self(microseconds: seconds * 1_000_000) }

    public static func < (a: Self, b: Self) -> Bool { a.microseconds < b.microseconds }

    private static let units: [(name: String, usec: Int)] = [
        ("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1000), ("us", 1),
    ]

    private static let outOfRange = "the duration is out of range: a hundred years (36525d) at most"

    /// Reads one or more number-unit pairs. A bare number is seconds, as in `timeout(1)`.
    public init(parsing text: String) throws(QuantityError) {
        let expected = "a duration such as 90s, 5m, 1h30m or 2d"
        var rest = text.trimmingSpaces()
        if let seconds = Int(rest), seconds >= 0, !rest.hasPrefix("+") {
            guard let usec = exact(rest, times: 1_000_000), usec <= Self.longest.microseconds else {
                throw QuantityError(text, Self.outOfRange)
            }
            self.microseconds = usec
            return
        }
        guard !rest.isEmpty else { throw QuantityError(text, "expected \(expected)") }
        var total = 0
        while !rest.isEmpty {
            let number: String
            let tail: String
            // The whole text stands in the message, not the part that was left to read.
            do throws(QuantityError) { (number, tail) = try splitNumber(rest, expecting: expected) } catch {
                throw QuantityError(text, error.reason)
            }
            let name = String(tail.prefix { $0.isLetter })
            guard let unit = Self.units.first(where: { $0.name == name }) else {
                throw QuantityError(
                    text, name.isEmpty ? "expected \(expected)" : "unknown unit '\(name)'; use d, h, m, s, ms or us")
            }
            guard let part = exact(number, times: unit.usec),
                case let (sum, overflow) = total.addingReportingOverflow(part), !overflow,
                sum <= Self.longest.microseconds
            else { throw QuantityError(text, Self.outOfRange) }
            total = sum
            rest = String(tail.dropFirst(name.count))
        }
        self.microseconds = total
    }
}

extension JobDuration: CustomStringConvertible {
    /// `60s`, `1h30m`, `1.25s`, `38ms`: what people would write.
    public var description: String {
        let usec = microseconds
        if usec < 1000 { return "\(usec)us" }
        if usec < 1_000_000 {
            return fixed(Double(usec) / 1000, digits: usec < 10_000 ? 2 : usec < 100_000 ? 1 : 0) + "ms"
        }
        if usec < 60_000_000 { return fixed(Double(usec) / 1_000_000, digits: usec < 10_000_000 ? 2 : 1) + "s" }
        // Rounded without a sum, which a figure from outside could make overflow.
        var seconds = usec / 1_000_000 + (usec % 1_000_000 >= 500_000 ? 1 : 0)
        var text = ""
        for (name, size) in [("d", 86400), ("h", 3600), ("m", 60)] where seconds >= size {
            text += "\(seconds / size)\(name)"
            seconds %= size
        }
        return text + (seconds > 0 ? "\(seconds)s" : "")
    }
}

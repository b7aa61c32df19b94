// SPDX-License-Identifier: Apache-2.0

/// A moment in UTC with microseconds, printed as RFC 3339.
public struct Timestamp: Hashable, Sendable, Comparable, CustomStringConvertible {
    public var microsecondsSinceEpoch: Int

    public init(microsecondsSinceEpoch: Int) { self.microsecondsSinceEpoch = microsecondsSinceEpoch }

    public static func < (a: Self, b: Self) -> Bool { a.microsecondsSinceEpoch < b.microsecondsSinceEpoch }

    /// Days to a civil date by shifting the year's start to March, so that the leap day comes last.
    public var description: String {
        let usec = microsecondsSinceEpoch
        let perDay = 86_400_000_000
        // Rounded down before 1970, too, and not through a Double, which is 1 µs too coarse from the year 2328.
        let days = usec / perDay - (usec % perDay < 0 ? 1 : 0)
        let rest = usec - days * perDay
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthIndex + 2) / 5 + 1
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let seconds = rest / 1_000_000
        return pad(year, 4) + "-" + pad(month, 2) + "-" + pad(day, 2) + "T" + pad(seconds / 3600, 2) + ":"
            + pad(seconds / 60 % 60, 2)
            + ":" + pad(seconds % 60, 2) + "." + pad(rest % 1_000_000, 6) + "Z"
    }
}

private func pad(_ value: Int, _ width: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, width - text.count)) + text
}

// SPDX-License-Identifier: Apache-2.0

/// A date, a time of day, or both, as a clock on the wall shows them: `22:00`, `tomorrow 6:00`, `2026-11-24 22:00`.
struct LocalMoment: Hashable {
    enum Day: Hashable {
        /// Today, or tomorrow if the time of day is past.
        case next
        case fromToday(Int)
        /// Since 1970.
        case date(Int)
    }

    var day: Day
    /// Seconds since midnight.
    var second: Int

    init?(_ text: String) {
        let words = text.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
        guard let first = words.first, words.count <= 2 else { return nil }
        if words.count == 1, let time = Self.time(first) {
            (day, second) = (.next, time)
            return
        }
        // `2026-11-24T22:00` is one word.
        let parts =
            words.count == 1 ? first.split(separator: "T", omittingEmptySubsequences: false).map(String.init) : words
        guard parts.count <= 2, let day = Self.day(parts[0]), let second = parts.count == 2 ? Self.time(parts[1]) : 0
        else { return nil }
        (self.day, self.second) = (day, second)
    }

    private static func day(_ word: String) -> Day? {
        switch word.lowercased() {
        case "today": return .fromToday(0)
        case "tomorrow": return .fromToday(1)
        default:
            let parts = word.split(separator: "-", omittingEmptySubsequences: false).map { digits($0, in: 1...4) }
            guard parts.count == 3, let year = parts[0], let month = parts[1], let day = parts[2], year >= 1970,
                (1...12).contains(month), (1...days(in: month, of: year)).contains(day)
            else { return nil }
            return .date(daysSince1970(year, month, day))
        }
    }

    /// `6:00`, `22:00:30`.
    private static func time(_ word: String) -> Int? {
        let parts = word.split(separator: ":", omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count), let hour = digits(parts[0], in: 1...2), hour < 24 else { return nil }
        var second = hour * 3600
        for (part, unit) in zip(parts.dropFirst(), [60, 1]) {
            guard let number = digits(part, in: 2...2), number < 60 else { return nil }
            second += number * unit
        }
        return second
    }

    private static func digits(_ text: Substring, in count: ClosedRange<Int>) -> Int? {
        count.contains(text.utf8.count) ? JobModel.digits(text) : nil
    }

    /// - Parameter offset: seconds that local time is ahead of UTC, at a second since 1970.
    func timestamp(now: Timestamp, offset: (Int) -> Int) -> Timestamp {
        let seconds = now.microsecondsSinceEpoch / 1_000_000
        let today = (seconds + offset(seconds)) / 86_400
        func moment(_ day: Int) -> Timestamp {
            let local = day * 86_400 + second
            // A time that a clock shows twice is the first of the two. One that is left out when clocks are put forward is as
            // long after midnight as it says.
            let before = local - offset(local - 86_400)
            let after = local - offset(local + 86_400)
            let found = [before, after].filter { $0 + offset($0) == local }.min() ?? before
            return Timestamp(microsecondsSinceEpoch: found * 1_000_000)
        }
        switch day {
        case .date(let day): return moment(day)
        case .fromToday(let days): return moment(today + days)
        case .next:
            let found = moment(today)
            return found < now ? moment(today + 1) : found
        }
    }
}

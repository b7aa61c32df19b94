// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobModel

/// Times of day as people read them.
package struct LocalTime: Sendable {
    /// Seconds that local time is ahead of UTC at a second since 1970.
    let offset: @Sendable (Int) -> Int

    package init(offset: @escaping @Sendable (Int) -> Int) { self.offset = offset }

    /// The machine's time zone, or that of `TZ`.
    package static let current = LocalTime { seconds in
        var time = time_t(seconds)
        var parts = tm()
        localtime_r(&time, &parts)
        return parts.tm_gmtoff
    }

    package static let utc = LocalTime { _ in 0 }

    /// `17:22:01` today, `Nov 24 17:22` this year, `2025-11-24` before.
    package func short(_ moment: Timestamp, now: Timestamp) -> String {
        let (date, time) = parts(moment)
        let (today, _) = parts(now)
        if date == today { return time }
        let year = String(date.prefix(4))
        guard year == String(today.prefix(4)) else { return date }
        return "\(month(date)) \(date.suffix(2)) \(time.prefix(5))"
    }

    /// `2026-11-24 17:22:01`.
    package func full(_ moment: Timestamp) -> String {
        let (date, time) = parts(moment)
        return date + " " + time
    }

    /// A sentence of the daemon's, in which moments are those of the wire, as people here read it.
    package func localized(_ sentence: String, now: Timestamp) -> String {
        sentence.split(separator: " ", omittingEmptySubsequences: false).map { word in
            moment(String(word)).map { short($0, now: now) } ?? String(word)
        }.joined(separator: " ")
    }

    /// The first moment of the day that `moment` lies in.
    package func startOfDay(_ moment: Timestamp) -> Timestamp {
        let shift = offset(moment.microsecondsSinceEpoch / 1_000_000) * 1_000_000
        let day = 86_400_000_000
        let local = moment.microsecondsSinceEpoch + shift
        return Timestamp(microsecondsSinceEpoch: local - (local % day + day) % day - shift)
    }

    private func parts(_ moment: Timestamp) -> (date: String, time: String) {
        let shift = offset(moment.microsecondsSinceEpoch / 1_000_000) * 1_000_000
        let text = Timestamp(microsecondsSinceEpoch: moment.microsecondsSinceEpoch + shift).description
        return (String(text.prefix(10)), String(text.dropFirst(11).prefix(8)))
    }

    private func month(_ date: String) -> String {
        let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return Int(date.dropFirst(5).prefix(2)).flatMap { names.indices.contains($0 - 1) ? names[$0 - 1] : nil } ?? "?"
    }
}

/// A time of the wire: RFC 3339 in UTC. `nil` for anything else.
package func moment(_ text: String?) -> Timestamp? {
    guard let text, text.hasSuffix("Z"), text.utf8.count >= 20 else { return nil }
    let bytes = Array(text.utf8)
    func number(_ range: Range<Int>) -> Int? { Int(String(decoding: bytes[range], as: UTF8.self)) }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
        let minute = number(14..<16), let second = number(17..<19), (1...12).contains(month)
    else { return nil }
    var micro = 0
    if bytes[19] == UInt8(ascii: ".") {
        let digits = bytes[20..<(bytes.count - 1)].prefix(6)
        guard let value = Int(String(decoding: digits, as: UTF8.self)) else { return nil }
        micro = (digits.count..<6).reduce(value) { value, _ in value * 10 }
    }
    // Days from a civil date; the year starts in March, so that the leap day comes last.
    let shifted = month > 2 ? year : year - 1
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    let seconds = days * 86400 + hour * 3600 + minute * 60 + second
    return Timestamp(microsecondsSinceEpoch: seconds * 1_000_000 + micro)
}

/// A running time as clocks show it: `00:03`, `12:45`, `1:02:03`, `2-03:04:05`.
package func clock(_ microseconds: Int) -> String {
    let seconds = max(0, microseconds) / 1_000_000
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60)
    let tail = "\(two(minutes)):\(two(seconds % 60))"
    if days > 0 { return "\(days)-\(two(hours)):\(tail)" }
    return hours > 0 ? "\(hours):\(tail)" : tail
}

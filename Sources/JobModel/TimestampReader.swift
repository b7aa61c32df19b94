// SPDX-License-Identifier: Apache-2.0

extension Timestamp {
    /// Reads RFC 3339 (`2026-11-24T22:00:00Z`, `…+01:00`), a time from `now` on (`now+1h`, `+90m`, `now + 2 hours`), or a local
    /// one: `22:00` (the next), `tomorrow 6:00`, `2026-11-24 22:00`, `2026-11-24`.
    ///
    /// - Parameter offset: seconds that local time is ahead of UTC, at a second since 1970.
    public init(parsing text: String, now: Timestamp, offset: (Int) -> Int) throws(QuantityError) {
        let trimmed = text.trimmingSpaces()
        if let moment = try Self.relative(trimmed, text, now) ?? Timestamp(rfc3339: trimmed) {
            self = moment
            return
        }
        guard let moment = LocalMoment(trimmed)?.timestamp(now: now, offset: offset) else {
            throw QuantityError(
                text, "expected a time such as now+1h, 22:00, tomorrow 6:00, 2026-11-24 22:00 or 2026-11-24T22:00:00Z")
        }
        self = moment
    }

    /// `nil` if it says nothing of now.
    private static func relative(
        _ trimmed: String, _ text: String, _ now: Timestamp
    ) throws(QuantityError) -> Timestamp? {
        if trimmed == "now" { return now }
        // As at(1) has it, with blanks.
        let dense = String(trimmed.filter { $0 != " " && $0 != "\t" })
        guard let prefix = ["now+", "+"].first(where: dense.hasPrefix) else { return nil }
        let wait: JobDuration
        do throws(QuantityError) { wait = try JobDuration(parsing: short(String(dense.dropFirst(prefix.count)))) } catch
        {
            throw QuantityError(text, error.reason)
        }
        let (sum, overflow) = now.microsecondsSinceEpoch.addingReportingOverflow(wait.microseconds)
        guard !overflow, sum <= last else { throw QuantityError(text, "the time is out of range") }
        return Timestamp(microsecondsSinceEpoch: sum)
    }

    /// `1hour` as `1h`: the words of Slurm and at(1).
    private static func short(_ duration: String) -> String {
        let digits = duration.prefix { $0.isNumber }
        let units = ["second": "s", "minute": "m", "min": "m", "hour": "h", "day": "d"]
        var word = duration.dropFirst(digits.count).lowercased()
        if word.count > 1, word.hasSuffix("s") { word.removeLast() }
        return units[word].map { digits + $0 } ?? duration
    }

    /// Reads RFC 3339 and nothing else.
    public init(parsing text: String) throws(QuantityError) {
        guard let moment = Timestamp(rfc3339: text) else {
            throw QuantityError(text, "expected a time such as 2026-11-24T22:00:00Z")
        }
        self = moment
    }

    /// 9999-12-31T23:59:59.999999Z: RFC 3339 has four digits for the year.
    private static let last = 253_402_300_799_999_999

    /// Reads what ``description`` writes, and RFC 3339 at large; what is finer than a microsecond is dropped.
    public init?(rfc3339 text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[4] == 0x2d, bytes[7] == 0x2d, bytes[10] | 0x20 == 0x74, bytes[13] == 0x3a,
            bytes[16] == 0x3a, let year = number(bytes[0..<4]), let month = number(bytes[5..<7]),
            let day = number(bytes[8..<10]), let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]),
            let second = number(bytes[17..<19]), (1...12).contains(month),
            (1...days(in: month, of: year)).contains(day), hour < 24, minute < 60, second < 60
        else { return nil }
        var rest = bytes[19...]
        var fraction = 0
        if rest.first == 0x2e {
            let digits = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
            guard !digits.isEmpty else { return nil }
            rest = bytes[digits.endIndex...]
            for place in 0..<6 {
                fraction = fraction * 10 + (place < digits.count ? Int(digits[digits.startIndex + place] - 0x30) : 0)
            }
        }
        guard let offset = zone(rest) else { return nil }
        let seconds = daysSince1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
        self.init(microsecondsSinceEpoch: seconds * 1_000_000 + fraction)
    }
}

/// Seconds east of UTC, from `Z` or `+01:00`.
private func zone(_ bytes: ArraySlice<UInt8>) -> Int? {
    let start = bytes.startIndex
    if bytes.count == 1, bytes[start] | 0x20 == 0x7a { return 0 }
    guard bytes.count == 6, bytes[start] == 0x2b || bytes[start] == 0x2d, bytes[start + 3] == 0x3a,
        let hours = number(bytes[(start + 1)..<(start + 3)]), let minutes = number(bytes[(start + 4)...]), hours < 24,
        minutes < 60
    else { return nil }
    return (hours * 60 + minutes) * 60 * (bytes[start] == 0x2b ? 1 : -1)
}

/// Years start in March, so that the leap day comes last; the inverse of `Timestamp.description`.
func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
}

private func number(_ bytes: ArraySlice<UInt8>) -> Int? {
    var value = 0
    for byte in bytes {
        guard (0x30...0x39).contains(byte) else { return nil }
        value = value * 10 + Int(byte - 0x30)
    }
    return value
}

func days(in month: Int, of year: Int) -> Int {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
}

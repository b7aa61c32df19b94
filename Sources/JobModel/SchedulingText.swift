// SPDX-License-Identifier: Apache-2.0

extension Dependency: CustomStringConvertible {
    private static let expected = "expected jobs such as ok:41,any:prepare, where ',' is and, and '?' is or"

    /// Reads `ok:41,any:prepare?failed:7`: a comma is "and", a question mark is "or", as in Slurm; the comma binds closer. A
    /// bare job means `ok`.
    public init(parsing text: String) throws(QuantityError) {
        var alternatives: [[Term]] = []
        for part in text.split(separator: "?", omittingEmptySubsequences: false) {
            var terms: [Term] = []
            for word in part.split(separator: ",", omittingEmptySubsequences: false) {
                terms.append(try Self.term(String(word).trimmingSpaces(), of: text))
            }
            alternatives.append(terms)
        }
        self.init(alternatives)
    }

    private static func term(_ word: String, of text: String) throws(QuantityError) -> Term {
        let halves = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        var condition = Condition.ok
        if halves.count == 2 {
            guard let known = Condition(rawValue: halves[0]) else {
                throw QuantityError(text, "unknown condition '\(halves[0])'; use ok, any or failed")
            }
            condition = known
        }
        guard let target = halves.last, !target.isEmpty else { throw QuantityError(text, expected) }
        if target.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            guard let id = Int(target), id > 0 else { throw QuantityError(text, "there is no job \(target)") }
            return Term(condition, .id(id))
        }
        return Term(condition, .name(target))
    }

    public var description: String {
        alternatives.map { terms in
            terms.map { term in
                switch term.target {
                case .id(let id): "\(term.condition.rawValue):\(id)"
                case .name(let name): "\(term.condition.rawValue):\(name)"
                }
            }.joined(separator: ",")
        }.joined(separator: "?")
    }
}

extension ArrayRange: CustomStringConvertible {
    /// More would be a mistake more often than a wish.
    public static let largest = 100_000

    /// Reads `0-99`, `0-99%8` (eight at once), `0-100:10` (every tenth) and lists of those, as Slurm does.
    public init(parsing text: String) throws(QuantityError) {
        let expected = "expected indices such as 0-99, 0-99%8 or 1,3,5"
        let halves = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        var parallel: Int?
        if halves.count == 2 {
            guard let number = Int(halves[1]), number > 0 else {
                throw QuantityError(text, "after % stands how many may run at once, at least 1")
            }
            parallel = number
        }
        var ids: Set<Int> = []
        for part in halves[0].split(separator: ",", omittingEmptySubsequences: false) {
            let stepped = part.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let ends = stepped[0].split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard let low = ends.first.flatMap({ $0 }), let high = ends.last.flatMap({ $0 }), ends.count <= 2, low >= 0,
                low <= high, high < 1_000_000_000
            else { throw QuantityError(text, expected) }
            var step = 1
            if stepped.count == 2 {
                guard let number = Int(stepped[1]), number > 0 else { throw QuantityError(text, expected) }
                step = number
            }
            guard (high - low) / step < Self.largest else {
                throw QuantityError(text, "an array has \(Self.largest) jobs at most")
            }
            ids.formUnion(stride(from: low, through: high, by: step))
        }
        guard ids.count <= Self.largest else { throw QuantityError(text, "an array has \(Self.largest) jobs at most") }
        self.init(indices: IDSet(ids), parallel: parallel)
    }

    public var description: String { indices.description + (parallel.map { "%\($0)" } ?? "") }
}

extension Timestamp {
    /// Reads RFC 3339 (`2026-11-24T22:00:00Z`, `…+01:00`), or a time from `now` on (`now+1h`, `+90m`).
    public init(parsing text: String, now: Timestamp) throws(QuantityError) {
        let expected = "expected a time such as now+1h, +90m or 2026-11-24T22:00:00Z"
        let trimmed = text.trimmingSpaces()
        if trimmed == "now" {
            self = now
            return
        }
        for prefix in ["now+", "+"] where trimmed.hasPrefix(prefix) {
            let wait = try JobDuration(parsing: String(trimmed.dropFirst(prefix.count)))
            let (sum, overflow) = now.microsecondsSinceEpoch.addingReportingOverflow(wait.microseconds)
            guard !overflow else { throw QuantityError(text, "the time is out of range") }
            self.init(microsecondsSinceEpoch: sum)
            return
        }
        guard let moment = Self.rfc3339(Array(trimmed.utf8)) else { throw QuantityError(text, expected) }
        self = moment
    }

    /// Reads what ``description`` writes, and RFC 3339 at large.
    public init?(rfc3339 text: String) {
        guard let moment = Self.rfc3339(Array(text.utf8)) else { return nil }
        self = moment
    }

    private static func rfc3339(_ bytes: [UInt8]) -> Timestamp? {
        guard bytes.count >= 20, bytes[4] == 0x2d, bytes[7] == 0x2d, bytes[10] | 0x20 == 0x74, bytes[13] == 0x3a,
            bytes[16] == 0x3a
        else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            var value = 0
            for byte in bytes[range] {
                guard (0x30...0x39).contains(byte) else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            return value
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19), (1...12).contains(month),
            (1...31).contains(day),
            hour < 24, minute < 60, second < 60
        else { return nil }
        var index = 19
        var fraction = 0
        if bytes[index] == 0x2e {
            index += 1
            var scale = 100_000
            while index < bytes.count, (0x30...0x39).contains(bytes[index]) {
                fraction += Int(bytes[index] - 0x30) * scale
                scale /= 10
                index += 1
            }
        }
        guard index < bytes.count else { return nil }
        var offset = 0
        if bytes[index] | 0x20 == 0x7a {
            guard index + 1 == bytes.count else { return nil }
        } else {
            guard bytes.count == index + 6, bytes[index] == 0x2b || bytes[index] == 0x2d, bytes[index + 3] == 0x3a,
                let hours = number(index + 1..<index + 3), let minutes = number(index + 4..<index + 6)
            else { return nil }
            offset = (hours * 60 + minutes) * 60 * (bytes[index] == 0x2b ? 1 : -1)
        }
        // Years that start in March, so that the leap day comes last; the inverse of `description`.
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
        return Timestamp(microsecondsSinceEpoch: seconds * 1_000_000 + fraction)
    }
}

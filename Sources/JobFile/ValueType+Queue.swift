// SPDX-License-Identifier: Apache-2.0

internal import JobModel

extension ValueType where Parsed == Int {
    static var priority: Self {
        let phrase = "a whole number from -1000 to 1000"
        return Self(
            phrase, "NUMBER", schema: ["type": "integer", "minimum": -1000, "maximum": 1000], write: { .int($0) }
        ) {
            text throws(QuantityError) in
            guard !text.hasPrefix("+"), let number = Int(text), Scheduling.priorities.contains(number) else {
                throw QuantityError(text, "expected \(phrase)")
            }
            return number
        }
    }
}

extension ValueType where Parsed == Dependency {
    static var dependency: Self {
        Self(
            "jobs such as ok:41,any:prepare", "JOBS", schema: ["type": ["string", "integer"]],
            write: { .string($0.description) }
        ) {
            text throws(QuantityError) in try Dependency(parsing: text)
        }
    }
}

extension ValueType where Parsed == Timestamp {
    static var moment: Self {
        Self(
            "a time such as now+1h, 22:00 or 2026-11-24T22:00:00Z", "TIME", schema: ["type": "string"],
            write: { .string($0.description) }
        ) {
            text throws(QuantityError) in try Timestamp(parsing: text, now: Settings.clock(), offset: Settings.zone)
        }
    }
}

extension ValueType where Parsed == ArrayRange {
    static var array: Self {
        Self(
            "indices such as 0-99%8", "INDICES", schema: ["type": ["string", "integer"]],
            write: { .string($0.description) }
        ) {
            text throws(QuantityError) in try ArrayRange(parsing: text)
        }
    }
}

extension ValueType where Parsed == ExportPolicy {
    /// One text is cut at its commas; the items of a list are not, so a value may hold one there.
    static var export: Self {
        let phrase = "NONE, ALL, or names such as LANG,THREADS=4"
        return Self(
            phrase, "NAMES",
            schema: ["anyOf": [["type": "string"], ["type": "array", "items": ["type": "string"]]]], write: written
        ) { value throws(Problem) in
            guard case .list(let items) = value.content else {
                let text = try value.text(phrase)
                do throws(QuantityError) { return try ExportPolicy(parsing: text) } catch {
                    throw value.problem(error.description)
                }
            }
            var texts: [String] = []
            for item in items { texts.append(try item.text("a variable's name")) }
            do throws(QuantityError) { return try ExportPolicy(items: texts) } catch {
                throw value.problem(error.description)
            }
        }

        @Sendable func written(_ policy: ExportPolicy) -> JSON {
            switch policy {
            case .none: "NONE"
            case .all: "ALL"
            case .some(let items): .array(items.map { .string($0.description) })
            }
        }
    }
}

extension ValueType where Parsed == [JobState] {
    static var retryStates: Self {
        let states: [JobState] = [.failed, .timeout, .lost]
        let allowed = states.map(\.rawValue)
        let phrase = "a list such as [failed, timeout, lost], or none"
        return Self(
            phrase, "STATES",
            schema: [
                "anyOf": [
                    ["type": "string"], ["type": "array", "items": ["enum": .array(allowed.map { .string($0) })]],
                ]
            ],
            write: { given in .array(states.filter(given.contains).map { .string($0.rawValue) }) }
        ) { value throws(Problem) in
            var given: Set<JobState> = []
            for item in try value.items(phrase) {
                let text = try item.text("a state such as failed")
                guard allowed.contains(text), let state = JobState(rawValue: text) else {
                    if text == JobState.outOfMemory.rawValue {
                        throw item.problem(
                            "out-of-memory is not tried again as it is; oom-factor tries it with more memory")
                    }
                    throw item.problem(
                        "unknown state '\(text)'", suggestion: nearest(text, among: allowed), allowed: allowed)
                }
                given.insert(state)
            }
            return states.filter(given.contains)
        }
    }
}

extension ValueType where Parsed == Double {
    static var factor: Self {
        let phrase = "a factor above 1 and up to 100, such as 1.5"
        return Self(
            phrase, "NUMBER",
            schema: [
                "type": ["number", "string"], "exclusiveMinimum": 1, "maximum": 100, "pattern": #"^[0-9]+(\.[0-9]+)?$"#,
            ],
            write: { .decimal($0) }
        ) { text throws(QuantityError) in
            // Double reads 0x1p3, 1e1 and nan as well.
            guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2e }), text.utf8.last != 0x2e,
                text.utf8.first != 0x2e, let number = Double(text), number > 1, number <= 100
            else { throw QuantityError(text, "expected \(phrase)") }
            return number
        }
    }
}

extension ValueType where Parsed == ByteCount {
    /// A size of which 0 makes no sense and leaving it out means `otherwise`.
    static func positiveSize(orElse otherwise: String) -> Self {
        size.refusing { $0.bytes > 0 ? nil : "must be more than 0; leave the key out for \(otherwise)" }
    }
}

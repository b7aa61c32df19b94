// SPDX-License-Identifier: Apache-2.0

internal import JobModel

extension ValueType where Parsed == Int {
    static var priority: Self {
        let phrase = "a whole number from -1000 to 1000"
        return Self(phrase, "NUMBER", schema: ["type": "integer", "minimum": -1000, "maximum": 1000]) {
            text throws(QuantityError) in
            guard let number = Int(text), (-1000...1000).contains(number) else {
                throw QuantityError(text, "expected \(phrase)")
            }
            return number
        }
    }
}

extension ValueType where Parsed == Dependency {
    static var dependency: Self {
        Self("jobs such as ok:41,any:prepare", "JOBS", schema: ["type": ["string", "integer"]]) {
            text throws(QuantityError) in try Dependency(parsing: text)
        }
    }
}

extension ValueType where Parsed == Timestamp {
    static var moment: Self {
        Self("a time such as now+1h or 2026-11-24T22:00:00Z", "TIME", schema: ["type": "string"]) {
            text throws(QuantityError) in try Timestamp(parsing: text, now: currentMoment())
        }
    }
}

extension ValueType where Parsed == ArrayRange {
    static var array: Self {
        Self("indices such as 0-99%8", "INDICES", schema: ["type": ["string", "integer"]]) {
            text throws(QuantityError) in try ArrayRange(parsing: text)
        }
    }
}

extension ValueType where Parsed == ExportPolicy {
    static var export: Self {
        Self("NONE, ALL or names such as LANG,THREADS=4", "NAMES", schema: ["type": "string"]) {
            text throws(QuantityError) in try ExportPolicy(parsing: text)
        }
    }
}

extension ValueType where Parsed == Set<JobState> {
    static var retryStates: Self {
        let allowed: [JobState] = [.failed, .timeout, .lost]
        let phrase = "some of failed, timeout and lost"
        return Self(phrase, "STATES", schema: ["type": "string"]) { text throws(QuantityError) in
            var states: Set<JobState> = []
            for word in text.split(separator: ",") {
                guard let state = JobState(rawValue: word.filter { $0 != " " }), allowed.contains(state) else {
                    let hint = word.contains("memory") ? "; out-of-memory has oom-factor" : ""
                    throw QuantityError(text, "expected \(phrase)\(hint)")
                }
                states.insert(state)
            }
            return states
        }
    }
}

extension ValueType where Parsed == Double {
    static var factor: Self {
        let phrase = "a factor above 1 and up to 100, such as 1.5"
        return Self(phrase, "NUMBER", schema: ["type": "number", "exclusiveMinimum": 1, "maximum": 100]) {
            text throws(QuantityError) in
            guard let number = Double(text), number > 1, number <= 100 else {
                throw QuantityError(text, "expected \(phrase)")
            }
            return number
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import JobModel

/// How one kind of value is read, and how it is described to people and to editors.
struct ValueType<Parsed>: Sendable {
    /// What is accepted, as in "expected …".
    let phrase: String
    /// What stands for the value in `--memory SIZE`; `nil` for a switch, which takes none.
    let placeholder: String?
    /// What an editor may accept. Never stricter than `parse`.
    let schema: JSON
    let parse: @Sendable (Value) throws(Problem) -> Parsed
    /// Turns the text of a flag into what the same value would be in YAML.
    let fromFlag: @Sendable (String) throws(Problem) -> Value.Content
    /// The inverse of `parse`, exactly: what `parse` reads as this very value.
    let write: @Sendable (Parsed) -> JSON

    init(
        _ phrase: String, _ placeholder: String?, schema: JSON,
        fromFlag: @escaping @Sendable (String) throws(Problem) -> Value.Content = { .text($0) },
        write: @escaping @Sendable (Parsed) -> JSON, parse: @escaping @Sendable (Value) throws(Problem) -> Parsed
    ) {
        self.phrase = phrase
        self.placeholder = placeholder
        self.schema = schema
        self.fromFlag = fromFlag
        self.write = write
        self.parse = parse
    }

    /// A value that is one text, read by a function that says what is wrong with it.
    init(
        _ phrase: String, _ placeholder: String?, schema: JSON, write: @escaping @Sendable (Parsed) -> JSON,
        reading read: @escaping @Sendable (String) throws(QuantityError) -> Parsed
    ) {
        self.init(phrase, placeholder, schema: schema, write: write) { value throws(Problem) in
            let text = try value.text(phrase)
            do throws(QuantityError) { return try read(text) } catch { throw value.problem(error.description) }
        }
    }

    /// The same type with one more condition: `refuse` returns what is wrong with a value, or `nil`.
    func refusing(_ refuse: @escaping @Sendable (Parsed) -> String?) -> Self {
        let parse = self.parse
        return Self(phrase, placeholder, schema: schema, fromFlag: fromFlag, write: write) { value throws(Problem) in
            let parsed = try parse(value)
            if let reason = refuse(parsed) { throw value.problem("\(value.found): \(reason)") }
            return parsed
        }
    }
}

/// Plain numbers are integers to an editor, with a unit they are strings.
func quantitySchema(_ pattern: String) -> JSON {
    ["type": ["string", "integer"], "minimum": 0, "pattern": .string("^\(pattern)$")]
}

let sizePattern = #"[0-9]+(\.[0-9]+)? *([KkMmGgTt]i?|[Bb])?"#

extension ValueType where Parsed == ByteCount {
    static var size: Self {
        Self("a size such as 100M or 1.5G", "SIZE", schema: quantitySchema(sizePattern), write: { .size($0) }) {
            text throws(QuantityError) in try ByteCount(parsing: text)
        }
    }

    static var positiveSize: Self {
        size.refusing { $0.bytes > 0 ? nil : "must be more than 0; leave the key out for no limit" }
    }

    /// Of a job's memory: `100` is 100 bytes, in which nothing starts.
    static func memory(orElse otherwise: String = "no limit") -> Self {
        positiveSize(orElse: otherwise).refusing { size in
            guard size < Limits.leastMemory else { return nil }
            let meant = size.bytes < 1024 ? "; did you mean \(size.bytes)M?" : ""
            return "\(size.bytes) bytes are less than a process needs to start, write a size such as 100M\(meant)"
        }
    }
}

extension ValueType where Parsed == SwapLimit {
    static var swap: Self {
        Self(
            "a size such as 100M, or unlimited", "SIZE|unlimited",
            schema: quantitySchema("(unlimited|\(sizePattern))"),
            write: { if case .bytes(let count) = $0 { .size(count) } else { "unlimited" } }
        ) {
            text throws(QuantityError) in text == "unlimited" ? .unlimited : .bytes(try ByteCount(parsing: text))
        }
    }
}

extension ValueType where Parsed == UInt64 {
    /// A size for `setrlimit(2)`.
    static var resourceSize: Self {
        Self(
            "a size such as 100M, or unlimited", "SIZE|unlimited",
            schema: quantitySchema("(unlimited|\(sizePattern))"),
            write: { $0 == .max ? "unlimited" : .size(ByteCount(Int(clamping: $0))) }
        ) {
            text throws(QuantityError) in
            text == "unlimited" ? .max : UInt64(try ByteCount(parsing: text).bytes)
        }
    }

    static var resourceCount: Self {
        Self(
            "a whole number such as 1024", "NUMBER", schema: ["type": "integer", "minimum": 1], write: { .int(Int($0)) }
        ) {
            text throws(QuantityError) in
            UInt64(try wholeNumber(text, 1...Int(Int32.max), "a whole number such as 1024"))
        }
    }
}

extension ValueType where Parsed == Int {
    static func integer(_ range: ClosedRange<Int>, example: Int) -> Self {
        let phrase =
            range.upperBound == .max
            ? "a whole number such as \(example)" : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        var schema: [JSON.Member] = [.init("type", "integer"), .init("minimum", .int(range.lowerBound))]
        if range.upperBound < .max { schema.append(.init("maximum", .int(range.upperBound))) }
        return Self(phrase, "NUMBER", schema: .object(schema), write: { .int($0) }) { text throws(QuantityError) in
            try wholeNumber(text, range, phrase)
        }
    }
}

/// Digits only: `1_000` is a number to YAML 1.1 and a string to YAML 1.2, so it is neither here.
func wholeNumber(_ text: String, _ range: ClosedRange<Int>, _ phrase: String) throws(QuantityError) -> Int {
    let digits = text.filter { $0 != "_" }
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text) else {
        if digits != text, Int(digits) != nil { throw QuantityError(text, "write it without '_': \(digits)") }
        throw QuantityError(text, "expected \(phrase)")
    }
    guard range.contains(number) else {
        let bounds =
            range.upperBound == .max
            ? "at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
        throw QuantityError(text, "must be \(bounds)")
    }
    return number
}

extension ValueType where Parsed == CPUCount {
    static var cpus: Self {
        Self(
            "a number of CPUs such as 2 or 0.5", "NUMBER",
            schema: [
                "type": ["number", "string"], "minimum": 0.01, "maximum": 1000, "pattern": #"^[0-9]+(\.[0-9]+)?$"#,
            ], write: { .decimal($0.value) }
        ) { text throws(QuantityError) in try CPUCount(parsing: text) }
    }
}

extension ValueType where Parsed == IDSet {
    static var idSet: Self {
        Self(
            "a list of CPUs such as 0-3,8", "LIST", schema: quantitySchema("[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*"),
            write: { .string($0.description) }
        ) {
            text throws(QuantityError) in try IDSet(parsing: text)
        }
    }
}

extension ValueType where Parsed == JobDuration {
    static var duration: Self {
        Self(
            "a duration such as 90s, 5m, 1h30m or 2d", "DURATION",
            schema: quantitySchema(#"([0-9]+|([0-9]+(\.[0-9]+)? *(d|h|m|s|ms|us) *)+)"#), write: { .duration($0) }
        ) { text throws(QuantityError) in
            // 1:30 is 90 to YAML 1.1, an hour and a half to a clock and 90 seconds to Slurm.
            if text.contains(":") {
                throw QuantityError(text, "hours, minutes or seconds? Write it with units, such as 1h30m or 1m30s")
            }
            return try JobDuration(parsing: text)
        }
    }

    static var positiveDuration: Self {
        duration.refusing { $0.microseconds > 0 ? nil : "must be more than 0; leave the key out for no limit" }
    }
}

extension ValueType where Parsed == Bool {
    static var onOff: Self {
        let words = ["true": true, "yes": true, "on": true, "false": false, "no": false, "off": false]
        return Self(
            "true or false", nil, schema: ["enum": [true, false, "yes", "no", "on", "off"]], write: { .bool($0) }
        ) {
            text throws(QuantityError) in
            guard let flag = words[text.lowercased()] else {
                throw QuantityError(text, "expected true or false (yes, no, on and off are read too)")
            }
            return flag
        }
    }
}

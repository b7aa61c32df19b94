// SPDX-License-Identifier: Apache-2.0

internal import JobModel

extension ValueType where Parsed == [DeviceRule] {
    /// `standard`, a node with its access, or the notation of `devices.allow`.
    static var devices: Self {
        let phrase = "a list such as [standard, /dev/fuse rw, c 10:229 rwm], or none"
        let item = #"^(standard|none|/.*|[cb] ([0-9]+|\*):([0-9]+|\*)( [rwm]{1,3})?)$"#
        return Self(
            phrase, "LIST",
            schema: [
                "anyOf": [
                    ["type": "string"], ["type": "array", "items": ["type": "string", "pattern": .string(item)]],
                ]
            ], write: written
        ) { value throws(Problem) in
            var rules: [DeviceRule] = []
            for item in try value.items(phrase) {
                let text = try item.text("a device such as /dev/fuse rw")
                if text == "standard" {
                    rules += DeviceRule.standard
                } else if let rule = deviceRule(text) {
                    rules.append(rule)
                } else {
                    throw item.problem(
                        "'\(text)': expected standard, a path such as /dev/fuse rw, or c MAJOR:MINOR rwm")
                }
            }
            return rules
        }

        @Sendable func written(_ rules: [DeviceRule]) -> JSON {
            let standard = DeviceRule.standard
            guard rules.starts(with: standard) else { return .array(rules.map { .string(notation($0)) }) }
            return .array(["standard"] + rules.dropFirst(standard.count).map { .string(notation($0)) })
        }
    }
}

/// The inverse of ``deviceRule(_:)``.
private func notation(_ rule: DeviceRule) -> String {
    let access = (rule.read ? "r" : "") + (rule.write ? "w" : "") + (rule.mknod ? "m" : "")
    switch rule.target {
    case .path(let path): return "\(path) \(access)"
    case .number(let block, let major, let minor):
        let numbers = [major, minor].map { $0.map { "\($0)" } ?? "*" }
        return "\(block ? "b" : "c") \(numbers[0]):\(numbers[1]) \(access)"
    }
}

/// Reads `/dev/fuse rw` or `c 10:229 rwm`; access is `rw` when it is left out.
private func deviceRule(_ text: String) -> DeviceRule? {
    let words = text.split(separator: " ").map(String.init)
    guard let first = words.first else { return nil }
    let isPath = first.hasPrefix("/")
    guard words.count <= (isPath ? 2 : 3), isPath || words.count >= 2 else { return nil }
    let target: DeviceRule.Target
    if isPath {
        target = .path(first)
    } else {
        let numbers = words[1].split(separator: ":", omittingEmptySubsequences: false)
        guard first == "c" || first == "b", numbers.count == 2,
            let major = deviceNumber(numbers[0], upTo: largestMajor),
            let minor = deviceNumber(numbers[1], upTo: largestMinor)
        else { return nil }
        target = .number(block: first == "b", major: major.number, minor: minor.number)
    }
    let letters = words.count > (isPath ? 1 : 2) ? words[words.count - 1] : "rw"
    guard !letters.isEmpty, Set(letters).isSubset(of: "rwm"), Set(letters).count == letters.count else { return nil }
    return DeviceRule(
        target: target, read: letters.contains("r"), write: letters.contains("w"), mknod: letters.contains("m"))
}

/// MINORBITS of <linux/kdev_t.h> is 20, which leaves 12 of 32 for the major number.
private let largestMajor = 4095
private let largestMinor = 1_048_575

/// A number, or `*` for any; `nil` if it is neither.
private func deviceNumber(_ text: Substring, upTo largest: Int) -> (number: Int?, Void)? {
    if text == "*" { return (nil, ()) }
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text), number <= largest
    else {
        return nil
    }
    return (number, ())
}

private func isNumber(_ text: Substring, upTo largest: Int) -> Bool {
    text != "*" && deviceNumber(text, upTo: largest) != nil
}

extension ValueType where Parsed == [DeviceIOLimit] {
    static var deviceThroughput: Self {
        let phrase = "a map such as {/dev/sda: {read: 10M, write-iops: 100}}"
        let keys = ["read", "write", "read-iops", "write-iops"]
        let rate: JSON = quantitySchema(sizePattern)
        let count: JSON = ["type": "integer", "minimum": 1, "maximum": 1_000_000_000]
        let limits: JSON = [
            "type": "object", "additionalProperties": false, "minProperties": 1,
            "properties": ["read": rate, "write": rate, "read-iops": count, "write-iops": count],
        ]
        return Self(
            phrase, "DEVICE:KEY=VALUE,…", schema: ["type": "object", "additionalProperties": limits],
            fromFlag: { text throws(Problem) in
                // The device may itself be a number with a colon: 8:0:read=10M.
                let expected = "DEVICE:KEY=VALUE,… such as /dev/sda:read=10M,write-iops=100"
                let head = text.prefix { $0 != "=" }
                guard let colon = head.lastIndex(of: ":"), head.count < text.count else {
                    throw Problem("'\(text)': expected \(expected)")
                }
                let limits = try pairs(String(text[text.index(after: colon)...]), expected)
                return .map([.init(key: Value(.text(String(text[..<colon]))), value: Value(limits))])
            }, write: written
        ) { value throws(Problem) in
            var limits: [DeviceIOLimit] = []
            for entry in try value.entries(phrase) {
                var limit = DeviceIOLimit(device: try entry.key.text("a device such as /dev/sda, a mount point or 8:0"))
                let numbers = limit.device.split(separator: ":", omittingEmptySubsequences: false)
                guard
                    limit.device.hasPrefix("/")
                        || numbers.count == 2 && isNumber(numbers[0], upTo: largestMajor)
                            && isNumber(numbers[1], upTo: largestMinor)
                else {
                    throw entry.key.problem(
                        "'\(limit.device)': expected a device such as /dev/sda, a mount point or 8:0")
                }
                let fields = try entry.value.fields(of: "io", keys, "a map such as {read: 10M, write-iops: 100}")
                guard !fields.isEmpty else { throw entry.key.problem("'\(limit.device)' has no limit", allowed: keys) }
                let rate = ValueType<ByteCount>.positiveSize
                let count = ValueType<Int>.integer(1...1_000_000_000, example: 100)
                limit.readBytesPerSecond = try read("read", rate)?.bytes
                limit.writeBytesPerSecond = try read("write", rate)?.bytes
                limit.readOperationsPerSecond = try read("read-iops", count)
                limit.writeOperationsPerSecond = try read("write-iops", count)
                limits.append(limit)

                func read<T>(_ key: String, _ type: ValueType<T>) throws(Problem) -> T? {
                    guard let field = fields[key] else { return nil }
                    do throws(Problem) { return try type.parse(field) } catch {
                        throw error.under(key).at(field.position)
                    }
                }
            }
            return limits
        }

        @Sendable func written(_ limits: [DeviceIOLimit]) -> JSON {
            .object(
                limits.map { limit in
                    let rates = [("read", limit.readBytesPerSecond), ("write", limit.writeBytesPerSecond)]
                    let counts = [
                        ("read-iops", limit.readOperationsPerSecond), ("write-iops", limit.writeOperationsPerSecond),
                    ]
                    let members =
                        rates.compactMap { key, rate in rate.map { JSON.Member(key, .size(ByteCount($0))) } }
                        + counts.compactMap { key, count in count.map { JSON.Member(key, .int($0)) } }
                    return JSON.Member(limit.device, .object(members))
                })
        }
    }
}

extension ValueType where Parsed == [ByteCount: ByteCount] {
    static var hugepages: Self {
        let phrase = "a map of page sizes such as {2M: 64M}"
        return Self(
            phrase, "PAGE=SIZE,…", schema: ["type": "object", "additionalProperties": quantitySchema(sizePattern)],
            fromFlag: { text throws(Problem) in try pairs(text, "PAGE=SIZE such as 2M=64M") },
            write: { pages in
                .object(pages.sorted { $0.key < $1.key }.map { JSON.Member(spelling(of: $0.key), .size($0.value)) })
            }
        ) { value throws(Problem) in
            var pages: [ByteCount: ByteCount] = [:]
            for entry in try value.entries(phrase) {
                let page = try ValueType<ByteCount>.positiveSize.parse(entry.key)
                guard page.bytes & (page.bytes - 1) == 0 else {
                    throw entry.key.problem("\(entry.key.found): a page size is a power of two, such as 2M or 1G")
                }
                guard pages.updateValue(try ValueType<ByteCount>.size.parse(entry.value), forKey: page) == nil else {
                    throw entry.key.problem("page size \(page) is given twice")
                }
            }
            return pages
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// A file of `key value` lines: `memory.stat`, `cpu.stat`, `memory.events`, `/proc/vmstat`.
package struct FlatKeyed: Sendable {
    private let bytes: [UInt8]

    /// Kept as bytes and searched for each key: a few keys of a short file are found faster than a table is built.
    package init(_ text: String?) { bytes = Array((text ?? "").utf8) }

    /// `nil` if the kernel does not offer the key. Lines that are not a key and an integer are passed over: new kernels
    /// add lines, and none may break old readers. The last of two lines with one key counts.
    package subscript(key: String) -> Int? { value { $0.elementsEqual(key.utf8) } }

    package var isEmpty: Bool { value { _ in true } == nil }

    private func value(where isKey: (ArraySlice<UInt8>) -> Bool) -> Int? {
        var found: Int?
        var rest = bytes[...]
        while !rest.isEmpty {
            let line = rest.prefix { $0 != UInt8(ascii: "\n") }
            rest = rest.dropFirst(line.count + 1)
            guard let space = line.firstIndex(of: UInt8(ascii: " ")), isKey(line[..<space]) else { continue }
            found = Int(String(decoding: line[(space + 1)...], as: UTF8.self)) ?? found
        }
        return found
    }
}

/// The totals of a pressure-stall file: `some avg10=0.00 … total=123`.
package struct Pressure: Hashable, Sendable {
    package var someUsec: Int?
    package var fullUsec: Int?

    package init(_ text: String?) {
        // By bytes, which is ten times as fast as by characters; every attempt reads three such files.
        for line in (text ?? "").utf8.split(separator: UInt8(ascii: "\n")) {
            let words = line.split(separator: UInt8(ascii: " "))
            guard let kind = words.first, let word = words.first(where: { $0.starts(with: "total=".utf8) }),
                let total = Int(Substring(word.dropFirst(6)))
            else { continue }
            if kind.elementsEqual("some".utf8) {
                someUsec = total
            } else if kind.elementsEqual("full".utf8) {
                fullUsec = total
            }
        }
    }
}

/// Block-device traffic summed over devices.
package struct IOTotals: Hashable, Sendable {
    package var readBytes = 0
    package var writeBytes = 0
    package var readOperations = 0
    package var writeOperations = 0

    /// v2 `io.stat`: `8:0 rbytes=… wbytes=… rios=… wios=… …` per device.
    package init(v2 text: String) {
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            let pair = word.split(separator: "=")
            guard pair.count == 2, let value = Int(pair[1]) else { continue }
            switch pair[0] {
            case "rbytes": Self.add(value, to: &readBytes)
            case "wbytes": Self.add(value, to: &writeBytes)
            case "rios": Self.add(value, to: &readOperations)
            case "wios": Self.add(value, to: &writeOperations)
            default: continue
            }
        }
    }

    /// v1 `blkio.throttle.io_service_bytes` and `io_serviced`: `8:0 Read 123` per device and direction.
    package init(v1Bytes bytes: String, v1Operations operations: String) {
        for (text, isBytes) in [(bytes, true), (operations, false)] {
            for line in text.split(separator: "\n") {
                let words = line.split(separator: " ")
                guard words.count == 3, let value = Int(words[2]) else { continue }
                switch (words[1], isBytes) {
                case ("Read", true): Self.add(value, to: &readBytes)
                case ("Write", true): Self.add(value, to: &writeBytes)
                case ("Read", false): Self.add(value, to: &readOperations)
                case ("Write", false): Self.add(value, to: &writeOperations)
                default: continue
                }
            }
        }
    }

    /// No sum of what a file says may trap.
    private static func add(_ value: Int, to total: inout Int) {
        let (sum, overflow) = total.addingReportingOverflow(value)
        total = overflow ? .max : sum
    }
}

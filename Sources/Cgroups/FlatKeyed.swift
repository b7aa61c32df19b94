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

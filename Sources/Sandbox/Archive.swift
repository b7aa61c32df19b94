// SPDX-License-Identifier: Apache-2.0

/// Reads or writes a value's fields in one order, so that one function per type serves both directions.
///
/// The format is private to one build: the supervisor and its jobs-init are installed together. Integers are 8 bytes in
/// the machine's order, strings and lists carry their count first.
package struct Archive {
    private enum Mode { case writing, reading }

    private let mode: Mode
    package private(set) var bytes: [UInt8]
    private var offset = 0
    /// A field did not fit what was there: the value is not to be used.
    package private(set) var isDamaged = false

    /// Everything that was there was read, and nothing was missing.
    package var isWhole: Bool { !isDamaged && offset == bytes.count }

    /// A value was read that means nothing.
    package mutating func reject() { isDamaged = true }

    package static func writing() -> Archive { Archive(mode: .writing, bytes: []) }
    package static func reading(_ bytes: [UInt8]) -> Archive { Archive(mode: .reading, bytes: bytes) }

    package mutating func field(_ value: inout Int) {
        switch mode {
        case .writing: withUnsafeBytes(of: value) { bytes += $0 }
        case .reading:
            guard offset + 8 <= bytes.count, !isDamaged else {
                isDamaged = true
                return
            }
            value = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Int.self) }
            offset += 8
        }
    }

    /// The same, of a number that is read by somebody who does not trust its writer.
    package mutating func field(_ value: inout Int, in range: ClosedRange<Int>) {
        field(&value)
        if !range.contains(value) { reject() }
    }

    package mutating func field(_ value: inout Bool) {
        var number = value ? 1 : 0
        field(&number)
        value = number != 0
    }

    package mutating func field<T: FixedWidthInteger>(_ value: inout T) {
        var number = Int(truncatingIfNeeded: value)
        field(&number)
        value = T(truncatingIfNeeded: number)
    }

    package mutating func field(_ value: inout [UInt8]) {
        var count = value.count
        field(&count)
        switch mode {
        case .writing: bytes += value
        case .reading:
            guard count >= 0, count <= bytes.count - offset, !isDamaged else {
                isDamaged = true
                return
            }
            value = Array(bytes[offset..<offset + count])
            offset += count
        }
    }

    package mutating func field(_ value: inout String) {
        var utf8 = Array(value.utf8)
        field(&utf8)
        value = String(decoding: utf8, as: UTF8.self)
    }

    package mutating func field<T>(_ value: inout T?, empty: T, _ code: (inout Archive, inout T) -> Void) {
        var present = value != nil
        field(&present)
        guard present else {
            value = nil
            return
        }
        var wrapped = value ?? empty
        code(&self, &wrapped)
        value = wrapped
    }

    package mutating func list<T>(_ values: inout [T], empty: T, _ code: (inout Archive, inout T) -> Void) {
        var count = values.count
        field(&count)
        switch mode {
        case .writing:
            for index in values.indices { code(&self, &values[index]) }
        case .reading:
            values = []
            // Every element takes 8 bytes at least; a damaged count must not keep us busy for years.
            guard count >= 0, count <= (bytes.count - offset) / 8, !isDamaged else {
                isDamaged = true
                return
            }
            for _ in 0..<count where !isDamaged {
                var value = empty
                code(&self, &value)
                values.append(value)
            }
        }
    }
}

/// What one process of this build sends to another as a whole.
package protocol Archivable {
    init()
    /// Writes or reads the fields, in one order.
    mutating func code(_ archive: inout Archive)
}

extension Archivable {
    package func encoded() -> [UInt8] {
        var archive = Archive.writing()
        var copy = self
        copy.code(&archive)
        return archive.bytes
    }

    /// `nil` if the bytes are not a whole one of this build.
    package init?(decoding bytes: [UInt8]) {
        self.init()
        var archive = Archive.reading(bytes)
        code(&archive)
        guard archive.isWhole else { return nil }
    }
}

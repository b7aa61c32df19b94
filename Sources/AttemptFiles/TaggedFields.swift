// SPDX-License-Identifier: Apache-2.0

/// The fields of a frame, each a tag and a length of two bytes and a value, so that a reader passes over those that it does not
/// know. A number is eight bytes, everything little-endian; a text is UTF-8.
///
/// One function per type serves both directions. A required field is one without which the frame means nothing; any other one
/// is `nil`, or `false`, where the writer does not tell it.
struct TaggedFields {
    private enum Mode { case writing, reading }

    private let mode: Mode
    private(set) var bytes: [UInt8]
    /// Why the fields that were read cannot be used; the first reason.
    private(set) var damage: String?

    /// Longer texts are cut when they are written: two of them fit into a frame.
    private static let longestText = 16384

    static func writing() -> TaggedFields { TaggedFields(mode: .writing, bytes: []) }

    static func reading(_ bytes: ArraySlice<UInt8>) -> TaggedFields {
        var fields = TaggedFields(mode: .reading, bytes: Array(bytes))
        fields.checkLengths()
        return fields
    }

    /// A required number. Its range guards against a writer that is not jobs-init.
    mutating func field(_ tag: UInt16, _ value: inout Int, in range: ClosedRange<Int>) {
        var read: Int? = value
        field(tag, &read, in: range)
        if let read { value = read } else { reject("field \(tag) is missing") }
    }

    mutating func field(_ tag: UInt16, _ value: inout Int?, in range: ClosedRange<Int>) {
        switch mode {
        case .writing:
            if let value { withUnsafeBytes(of: value.littleEndian) { put(tag, $0) } }
        case .reading:
            value = nil
            guard let found = find(tag) else { return }
            guard found.count == 8 else { return reject("field \(tag) has \(found.count) bytes") }
            let number = littleEndian(Int.self, found, at: found.startIndex)
            if range.contains(number) { value = number } else { reject("field \(tag) is \(number)") }
        }
    }

    mutating func field(_ tag: UInt16, _ value: inout Bool) {
        var number: Int? = value ? 1 : nil
        field(tag, &number, in: 0...1)
        value = number == 1
    }

    /// A required text.
    mutating func field(_ tag: UInt16, _ value: inout String) {
        switch mode {
        case .writing: Array(value.utf8.prefix(Self.longestText)).withUnsafeBytes { put(tag, $0) }
        case .reading:
            guard let found = find(tag) else { return reject("field \(tag) is missing") }
            value = String(decoding: found, as: UTF8.self)
        }
    }

    /// The first reason counts.
    mutating func reject(_ reason: String) { damage = damage ?? reason }

    private mutating func put(_ tag: UInt16, _ value: UnsafeRawBufferPointer) {
        withUnsafeBytes(of: tag.littleEndian) { bytes += $0 }
        withUnsafeBytes(of: UInt16(value.count).littleEndian) { bytes += $0 }
        bytes += value
    }

    /// The value of the first field of that tag.
    private func find(_ tag: UInt16) -> ArraySlice<UInt8>? {
        var rest = bytes[...]
        while let field = Self.first(of: rest) {
            if field.tag == tag { return field.value }
            rest = rest[field.value.endIndex...]
        }
        return nil
    }

    private mutating func checkLengths() {
        var rest = bytes[...]
        while let field = Self.first(of: rest) { rest = rest[field.value.endIndex...] }
        if !rest.isEmpty { reject("its fields do not fill a frame") }
    }

    private static func first(of rest: ArraySlice<UInt8>) -> (tag: UInt16, value: ArraySlice<UInt8>)? {
        guard rest.count >= 4 else { return nil }
        let start = rest.startIndex + 4
        let length = Int(littleEndian(UInt16.self, rest, at: start - 2))
        guard rest.endIndex - start >= length else { return nil }
        return (littleEndian(UInt16.self, rest, at: start - 4), rest[start..<start + length])
    }
}

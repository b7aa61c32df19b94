// SPDX-License-Identifier: Apache-2.0
import Sandbox
import Testing

@Suite struct ArchiveTests {
    /// What comes back when `value` is written and read again.
    private func roundTrip<T>(_ value: T, empty: T, _ code: (inout Archive, inout T) -> Void) -> T? {
        var writer = Archive.writing()
        var value = value
        code(&writer, &value)
        var reader = Archive.reading(writer.bytes)
        var result = empty
        code(&reader, &result)
        return reader.isDamaged ? nil : result
    }

    @Test(arguments: [0, 1, -1, .min, .max, 1 << 40]) func `integers`(_ value: Int) {
        #expect(roundTrip(value, empty: 7) { $0.field(&$1) } == value)
    }

    @Test func `narrow and unsigned integers keep their value`() {
        #expect(roundTrip(UInt64.max, empty: 0) { $0.field(&$1) } == .max)
        #expect(roundTrip(UInt32.max, empty: 0) { $0.field(&$1) } == .max)
        #expect(roundTrip(CInt.min, empty: 0) { $0.field(&$1) } == .min)
        #expect(roundTrip(UInt8(200), empty: 0) { $0.field(&$1) } == 200)
    }

    @Test func `booleans`() {
        #expect(roundTrip(true, empty: false) { $0.field(&$1) } == true)
        #expect(roundTrip(false, empty: true) { $0.field(&$1) } == false)
    }

    @Test(arguments: ["", "a", "ä€🐧", "with\0zero\nand newline", String(repeating: "x", count: 70_000)])
    func `strings`(_ text: String) {
        #expect(roundTrip(text, empty: "?") { $0.field(&$1) } == text)
    }

    @Test func `bytes that are no text`() {
        #expect(roundTrip([0xff, 0, 0x80] as [UInt8], empty: [1]) { $0.field(&$1) } == [0xff, 0, 0x80])
    }

    @Test func `nil and a value are told apart`() {
        func code(_ archive: inout Archive, _ value: inout Int?) { archive.field(&value, empty: 0) { $0.field(&$1) } }
        #expect(roundTrip(nil, empty: 5, code) == .some(nil))
        #expect(roundTrip(0, empty: nil, code) == .some(0))
    }

    @Test func `lists of lists, empty ones too`() {
        let value = [["a", ""], [], ["b"]]
        let result = roundTrip(value, empty: [["old"]]) { archive, value in
            archive.list(&value, empty: []) { $0.list(&$1, empty: "") { $0.field(&$1) } }
        }
        #expect(result == value)
    }

    @Test func `a field that is not all there is damage and changes nothing`() {
        for count in 0..<8 {
            var archive = Archive.reading([UInt8](repeating: 1, count: count))
            var value = 42
            archive.field(&value)
            #expect(archive.isDamaged && value == 42)
        }
    }

    @Test func `damage lasts`() {
        var archive = Archive.reading([1, 2, 3])
        var number = 0
        var bytes: [UInt8] = [9]
        archive.field(&number)
        archive.field(&bytes)
        #expect(archive.isDamaged && bytes == [9])
    }

    /// Such a count must neither trap, nor ask for memory, nor keep the reader busy.
    @Test(arguments: [-1, Int.min, 2, 1 << 32, 1 << 62, .max])
    func `a count beyond what is there is damage`(_ count: Int) {
        var writer = Archive.writing()
        var count = count
        writer.field(&count)
        var one = 1
        writer.field(&one)
        var list = Archive.reading(writer.bytes)
        var values = [5]
        list.list(&values, empty: 0) { $0.field(&$1) }
        #expect(list.isDamaged)
        var bytes = Archive.reading(Array(writer.bytes.prefix(count == 2 ? 9 : 16)))
        var value: [UInt8] = []
        bytes.field(&value)
        #expect(bytes.isDamaged && value.isEmpty)
    }
}

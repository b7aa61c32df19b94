// SPDX-License-Identifier: Apache-2.0
import GRDB
import JobModel

/// A cell that this version cannot have written.
struct UnreadableCell: Error, CustomStringConvertible {
    /// With its table.
    var column: String
    /// What it holds, without the text itself where that may be secret.
    var found: String

    var description: String { "\(column) \(found)" }
}

/// The cells of one row, read by position, each as the type that its column has.
///
/// GRDB's subscripts trap on a NULL or on a number out of range, and take a text for the number 0: one cell that a broken
/// disk or an administrator's SQL has changed would end the daemon, or become another value unnoticed. What does not fit is
/// `nil` here, and noted in ``damage``.
struct Cells {
    private let row: Row
    private let table: String
    /// In the order of the row.
    private let columns: [String]
    private(set) var damage: [UnreadableCell] = []

    init(_ row: Row, of table: String, _ columns: [String]) {
        self.row = row
        self.table = table
        self.columns = columns
    }

    /// - Throws: the first cell that could not be read.
    func check() throws(UnreadableCell) { if let first = damage.first { throw first } }

    // MARK: Cells that may be NULL

    mutating func integer(_ index: Int, in range: ClosedRange<Int>) -> Int? {
        switch (row[index] as DatabaseValue).storage {
        case .null: return nil
        case .int64(let value):
            if let number = Int(exactly: value), range.contains(number) { return number }
            note(index, "is \(value), outside of \(range.lowerBound) to \(range.upperBound)")
        case let storage: note(index, "is \(storage.kind) in place of a number")
        }
        return nil
    }

    mutating func text(_ index: Int) -> String? {
        switch (row[index] as DatabaseValue).storage {
        case .null: return nil
        case .string(let text): return text
        case let storage:
            note(index, "is \(storage.kind) in place of a text")
            return nil
        }
    }

    mutating func moment(_ index: Int) -> Timestamp? {
        integer(index, in: Self.moments).map { Timestamp(microsecondsSinceEpoch: $0) }
    }

    mutating func word<Word: RawRepresentable<String>>(_ index: Int) -> Word? {
        guard let text = text(index) else { return nil }
        if let word = Word(rawValue: text) { return word }
        note(index, "has the value '\(text.prefix(40))', which means nothing")
        return nil
    }

    // MARK: Cells that must be there

    mutating func needed<Value>(_ index: Int, _ read: (inout Cells) -> Value?) -> Value? {
        let before = damage.count
        if let value = read(&self) { return value }
        if damage.count == before { note(index, "is NULL") }
        return nil
    }

    mutating func number(_ index: Int, in range: ClosedRange<Int> = 0...(.max)) -> Int? {
        needed(index) { $0.integer(index, in: range) }
    }

    mutating func line(_ index: Int) -> String? { needed(index) { $0.text(index) } }

    mutating func note(_ index: Int, _ found: String) {
        damage.append(UnreadableCell(column: "\(table).\(columns[index])", found: found))
    }

    /// The years 0 to 9999, which RFC 3339 can write.
    static let moments = -62_167_219_200_000_000...253_402_300_799_999_999
}

extension DatabaseValue.Storage {
    fileprivate var kind: String {
        switch self {
        case .null: "NULL"
        case .int64: "a number"
        case .double: "a fraction"
        case .string: "a text"
        case .blob: "a blob"
        }
    }
}

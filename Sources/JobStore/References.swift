// SPDX-License-Identifier: Apache-2.0
import GRDB
import JobModel

extension JobStore {
    /// The ids that a word selects, as ``JobReference`` says; none if there is no such job.
    ///
    /// Ranges, because the ids of an array follow each other. Of an array or a range some may have been removed since.
    ///
    /// - Parameter owner: whose jobs a name selects; everybody's if `nil`.
    package func ids(of reference: JobReference, owner uid: UInt32?) throws(StoreError) -> [ClosedRange<Int>] {
        try read("look for the jobs '\(reference)'") { db in
            switch reference {
            case .id(let id): try Self.range(from: id, in: db).map { [$0] } ?? []
            case .range(let first, let last):
                try Int.fetchOne(
                    db, sql: "SELECT id FROM jobs WHERE id BETWEEN ? AND ? LIMIT 1", arguments: [first, last]
                )
                .map { _ in [first...last] } ?? []
            case .element(let array, let index):
                try Self.element(index, of: array, in: db).map { [$0...$0] } ?? []
            case .name(let name): try Self.ranges(named: name, owner: uid, in: db)
            }
        }
    }

    /// One job, or the whole array that the id is the first of; an array keeps its id when its first job is removed.
    private static func range(from id: Int, in db: Database) throws -> ClosedRange<Int>? {
        let last = try db.cachedStatement(sql: "SELECT max(id) FROM jobs WHERE array_id = ?")
        // A damaged cell may name an array that is none.
        if let end = try Int.fetchOne(last, arguments: [id]), end >= id { return id...end }
        let single = try db.cachedStatement(sql: "SELECT id FROM jobs WHERE id = ?")
        return try Int.fetchOne(single, arguments: [id]).map { $0...$0 }
    }

    /// By bisection, because indices grow with the ids and a walk along an array of 100,000 takes long.
    private static func element(_ index: Int, of array: Int, in db: Database) throws -> Int? {
        guard var range = try range(from: array, in: db) else { return nil }
        let next = try db.cachedStatement(
            sql: "SELECT id, CAST(array_index AS INTEGER) FROM jobs WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1")
        while true {
            let middle = range.lowerBound + (range.upperBound - range.lowerBound) / 2
            // Where elements were removed, the next one behind them.
            if let row = try Row.fetchOne(next, arguments: [middle, range.upperBound]) {
                let (id, found): (Int, Int?) = (row[0], row[1])
                if found == index { return id }
                if let found, found < index {
                    guard id < range.upperBound else { return nil }
                    range = id + 1...range.upperBound
                    continue
                }
            }
            guard middle > range.lowerBound else { return nil }
            range = range.lowerBound...middle - 1
        }
    }

    private static func ranges(named name: String, owner: UInt32?, in db: Database) throws -> [ClosedRange<Int>] {
        // The casts keep a damaged cell from ending the process, the plus sign keeps SQLite on the index of names.
        let first = "CAST(coalesce(array_id, id) AS INTEGER)"
        let condition = "FROM jobs WHERE name = ?1 AND (?2 IS NULL OR owner_uid = ?2)"
        func firsts(_ sql: String) throws -> [Int] {
            try Int.fetchAll(db.cachedStatement(sql: sql), arguments: [name, owner])
        }
        let live = try firsts("SELECT DISTINCT \(first) \(condition) AND +ended_usec IS NULL ORDER BY 1")
        let found = try live.isEmpty ? firsts("SELECT \(first) \(condition) ORDER BY id DESC LIMIT 1") : live
        return try found.compactMap { try range(from: $0, in: db) }
    }
}

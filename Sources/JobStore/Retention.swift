// SPDX-License-Identifier: Apache-2.0
import GRDB
import JobModel

/// How long finished jobs stay. A limit that is `nil` removes nothing.
package struct Retention: Hashable, Sendable {
    /// Jobs that ended before this moment leave.
    package var endedBefore: Timestamp?
    /// No more than this many finished jobs stay: those that ended last.
    package var keep: Int?
    /// Output and texts of finished jobs stay below this: those of the jobs that ended last.
    package var keepBytes: Int?
    /// The same for each user alone, whose own jobs leave then.
    package var keepBytesOfEach: Int?
    /// Users to whom that does not apply.
    package var exempt: Set<UInt32> = []

    package init(endedBefore: Timestamp? = nil, keep: Int? = nil, keepBytes: Int? = nil) {
        self.endedBefore = endedBefore
        self.keep = keep
        self.keepBytes = keepBytes
    }
}

/// A job that is to be removed, and how many attempts may have left output.
package struct ExpiredJob: Hashable, Sendable {
    package var id: Int
    package var attempts: Int
}

/// What of finished jobs is kept.
package struct Kept: Hashable, Sendable {
    package var jobs: Int
    /// Of output and texts.
    package var bytes: Int
    /// When the one that ended first did.
    package var firstEnd: Timestamp?
}

extension Retention {
    /// Finished jobs to be removed, the longest ended first.
    func expired(_ db: Database, limit: Int) throws -> [ExpiredJob] {
        let last = try last(db)
        let ofEach = try keepBytesOfEach.map { try firstOfEachBeyond($0, db) } ?? [:]
        guard let until = (ofEach.values + [last].compactMap { $0 }).max(by: { $0 < $1 }) else { return [] }
        let needed = try NeededJobs(db)
        var expired: [ExpiredJob] = []
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT id, attempt, ended_usec, owner_uid FROM jobs WHERE ended_usec <= ?
                AND (ended_usec, id) <= (?, ?) ORDER BY ended_usec, id
                """, arguments: [until.end, until.end, until.id])
        while expired.count < limit, let row = try rows.next() {
            var cells = Cells(row, of: "jobs", ["id", "attempt", "ended_usec", "owner_uid"])
            // How much output a damaged one has left is not known: it stays for the operator.
            guard let id = cells.number(0), let attempts = cells.number(1, in: StoredJob.attemptNumbers),
                let end = cells.number(2), let owner = cells.number(3)
            else { continue }
            let places = [last, UInt32(exactly: owner).flatMap { ofEach[$0] }]
            let isBeyond = places.contains { $0.map { (end, id) <= $0 } ?? false }
            if isBeyond, !needed.contains(id) { expired.append(ExpiredJob(id: id, attempts: attempts)) }
        }
        return expired
    }

    private typealias Place = (end: Int, id: Int)

    /// The last job to go in the order of their ends, whichever limit it is for. The id tells apart those that ended at
    /// the same microsecond, as jobs do that are cancelled together.
    private func last(_ db: Database) throws -> Place? {
        var places: [Place] = []
        if let endedBefore { places.append((endedBefore.microsecondsSinceEpoch - 1, .max)) }
        if let keep {
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT ended_usec, id FROM jobs WHERE ended_usec IS NOT NULL
                    ORDER BY ended_usec DESC, id DESC LIMIT 1 OFFSET ?
                    """, arguments: [max(0, keep)])
            if let place = row.flatMap({ Self.place($0) }) { places.append(place) }
        }
        if let keepBytes, let place = try Self.firstBeyond(keepBytes, db) { places.append(place) }
        return places.max { $0 < $1 }
    }

    private static let newestFirst = """
        SELECT ended_usec, id, output_bytes + text_bytes, owner_uid FROM jobs
        WHERE ended_usec IS NOT NULL AND output_bytes + text_bytes > 0 ORDER BY ended_usec DESC, id DESC
        """

    /// From the newest end back: the first job with which there would be more than `bytes`. One without any is none.
    private static func firstBeyond(_ bytes: Int, _ db: Database) throws -> Place? {
        let rows = try Row.fetchCursor(db, sql: newestFirst)
        var sum = 0
        while let row = try rows.next() {
            var cells = Cells(row, of: "jobs", ["ended_usec", "id", "output_bytes"])
            sum += cells.number(2, in: 0...ByteCount.largest.bytes) ?? 0
            if sum > bytes, let place = place(row) { return place }
        }
        return nil
    }

    private static func place(_ row: Row) -> Place? {
        var cells = Cells(row, of: "jobs", ["ended_usec", "id"])
        guard let end = cells.moment(0), let id = cells.number(1) else { return nil }
        return (end.microsecondsSinceEpoch, id)
    }

    /// The same for every user.
    private func firstOfEachBeyond(_ bytes: Int, _ db: Database) throws -> [UInt32: Place] {
        let rows = try Row.fetchCursor(db, sql: Self.newestFirst)
        var sums: [UInt32: Int] = [:]
        var places: [UInt32: Place] = [:]
        while let row = try rows.next() {
            var cells = Cells(row, of: "jobs", ["ended_usec", "id", "bytes", "owner_uid"])
            guard let owner = cells.number(3).flatMap({ UInt32(exactly: $0) }), places[owner] == nil,
                !exempt.contains(owner)
            else { continue }
            sums[owner, default: 0] += cells.number(2, in: 0...ByteCount.largest.bytes) ?? 0
            if sums[owner, default: 0] > bytes { places[owner] = Self.place(row) }
        }
        return places
    }
}

/// Jobs that live ones ask about: gone, they could not be told from jobs that never were.
private struct NeededJobs {
    /// Disjoint, in their order.
    private var ranges: [ClosedRange<Int>] = []

    init(_ db: Database) throws {
        var named: Set<ClosedRange<Int>> = []
        let rows = try Row.fetchCursor(
            db, sql: "SELECT dependency FROM jobs WHERE ended_usec IS NULL AND dependency IS NOT NULL")
        while let row = try rows.next() {
            var cells = Cells(row, of: "jobs", ["dependency"])
            // A job whose dependency cannot be read is held, and asks about nobody.
            if let text = cells.text(0), let dependency = try? Dependency(parsing: text) {
                named.formUnion(dependency.ranges)
            }
        }
        ranges = named.merged
    }

    func contains(_ id: Int) -> Bool {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < id { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].contains(id)
    }
}

// SPDX-License-Identifier: Apache-2.0
import GRDB
import JobModel

/// How long finished jobs stay. A limit that is `nil` removes nothing.
package struct Retention: Hashable, Sendable {
    /// Jobs that ended before this moment leave.
    package var endedBefore: Timestamp?
    /// No more than this many finished jobs stay: those that ended last.
    package var keep: Int?

    package init(endedBefore: Timestamp? = nil, keep: Int? = nil) {
        self.endedBefore = endedBefore
        self.keep = keep
    }
}

extension Retention {
    /// Finished jobs to be removed, the longest ended first.
    func expired(_ db: Database, limit: Int) throws -> [Int] {
        guard let last = try last(db) else { return [] }
        let needed = try Self.neededByLiveJobs(db)
        var expired: [Int] = []
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT id FROM jobs WHERE ended_usec <= ? AND (ended_usec, id) <= (?, ?) ORDER BY ended_usec, id
                """, arguments: [last.end, last.end, last.id])
        while expired.count < limit, let row = try rows.next() {
            let id: Int = row[0]
            if !needed.contains(id) { expired.append(id) }
        }
        return expired
    }

    /// The last job to go in the order of their ends, be it for its age or for their number. The id tells apart those
    /// that ended at the same microsecond, as jobs do that are cancelled together.
    private func last(_ db: Database) throws -> (end: Int, id: Int)? {
        var last: (end: Int, id: Int)?
        if let endedBefore { last = (endedBefore.microsecondsSinceEpoch - 1, .max) }
        if let keep {
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT ended_usec, id FROM jobs WHERE ended_usec IS NOT NULL
                    ORDER BY ended_usec DESC, id DESC LIMIT 1 OFFSET ?
                    """, arguments: [max(0, keep)])
            if let row {
                let tooMany: (end: Int, id: Int) = (row[0], row[1])
                if last.map({ $0 < tooMany }) ?? true { last = tooMany }
            }
        }
        return last
    }

    /// Jobs that others still ask about: gone, they could not be told from jobs that never were.
    private static func neededByLiveJobs(_ db: Database) throws -> Set<Int> {
        var needed: Set<Int> = []
        let texts = try String.fetchCursor(
            db, sql: "SELECT dependency FROM jobs WHERE ended_usec IS NULL AND dependency IS NOT NULL")
        while let text = try texts.next() { needed.formUnion(try Dependency(column: text).ids) }
        return needed
    }
}

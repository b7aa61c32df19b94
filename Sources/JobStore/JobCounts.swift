// SPDX-License-Identifier: Apache-2.0
import GRDB
import JobModel

extension JobStore {
    /// How many jobs live, by state: a walk along one index, which a hundred thousand jobs make a few milliseconds long.
    package func liveCounts() throws(StoreError) -> [JobState: Int] {
        try read("count jobs") { db in
            // One by one, which takes half as long as grouping.
            let select = try db.cachedStatement(sql: "SELECT count(*) FROM jobs WHERE state = ?")
            var counts: [JobState: Int] = [:]
            for state in JobState.allCases where state.isLive {
                if let count = try Int.fetchOne(select, arguments: [state.rawValue]), count > 0 {
                    counts[state] = count
                }
            }
            return counts
        }
    }

    /// How many jobs live, by group and state.
    package func counts() throws(StoreError) -> [String: [JobState: Int]] {
        try read("count jobs") { db in
            var counts: [String: [JobState: Int]] = [:]
            let rows = try Row.fetchCursor(
                db, sql: "SELECT group_name, state, count(*) FROM jobs WHERE ended_usec IS NULL GROUP BY 1, 2")
            while let row = try rows.next() {
                var cells = Cells(row, of: "jobs", ["group_name", "state", "count"])
                let state: JobState? = cells.word(1)
                if let group = cells.text(0), let state { counts[group, default: [:]][state] = cells.number(2) }
            }
            return counts
        }
    }

    package func hasLiveJob(ofGroup group: String) throws(StoreError) -> Bool {
        try read("look for jobs of group \(group)") { db in
            try Int.fetchOne(
                db, sql: "SELECT 1 FROM jobs WHERE group_name = ? AND ended_usec IS NULL LIMIT 1", arguments: [group])
                != nil
        }
    }

    /// How many of each array's jobs are in which state, with the ends of their ids and indices.
    package func arrayTotals(_ ids: [Int]) throws(StoreError) -> [ArrayCount] {
        try read("count the jobs of arrays") { db in
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT array_id, state, count(*), max(id), min(array_index), max(array_index) FROM jobs
                    WHERE array_id IN (\(ids.map { _ in "?" }.joined(separator: ", ")))
                    AND typeof(array_index) = 'integer' GROUP BY 1, 2
                    """, arguments: StatementArguments(ids))
            var counts: [ArrayCount] = []
            while let row = try rows.next() {
                var cells = Cells(row, of: "jobs", ["array_id", "state", "count", "id", "array_index", "array_index"])
                let state: JobState? = cells.word(1)
                guard let state, let array = cells.number(0), let count = cells.number(2), let last = cells.number(3),
                    let first = cells.number(4), let lastIndex = cells.number(5)
                else { continue }
                counts.append(
                    ArrayCount(
                        array: array, state: state, count: count, lastID: last, firstIndex: first, lastIndex: lastIndex)
                )
            }
            return counts
        }
    }

    /// How many jobs ended at or after a moment.
    package func ended(since: Timestamp) throws(StoreError) -> Int {
        try read("count ended jobs") { db in
            try Int.fetchOne(
                db, sql: "SELECT count(*) FROM jobs WHERE ended_usec >= ?",
                arguments: [since.microsecondsSinceEpoch]) ?? 0
        }
    }
}

/// The jobs of an array that are in one state.
package struct ArrayCount: Hashable, Sendable {
    package var array: Int
    package var state: JobState
    package var count: Int
    package var lastID: Int
    package var firstIndex: Int
    package var lastIndex: Int
}

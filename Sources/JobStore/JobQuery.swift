// SPDX-License-Identifier: Apache-2.0
import GRDB
import JobModel

/// Which jobs a list shows; every filter that is set narrows it.
package struct JobQuery: Hashable, Sendable {
    /// Ranges of ids, in any order; `nil` for all ids.
    package var ids: [ClosedRange<Int>]?
    /// One of these states; `nil` for all states.
    package var states: Set<JobState>?
    package var name: String?
    package var ownerUID: UInt32?
    package var group: String?
    package var arrayID: Int?
    package var liveOnly = false
    /// Only those that ended at or after this moment.
    package var endedSince: Timestamp?
    package var order = Order.newestFirst
    /// The last id of the page before: the list goes on behind it, in its order.
    package var after: Int?
    package var limit: Int

    package enum Order: Hashable, Sendable {
        case newestFirst, oldestFirst
        /// As they will start: by priority, then the oldest first. Knows no pages.
        case startFirst
    }

    package init(limit: Int = 50) { self.limit = limit }
}

extension JobQuery {
    /// The ids to look at, range by range in the order of the list. Ranges instead of one long condition: each is a plain
    /// walk along the primary key, and there may be more of them than SQLite takes terms.
    var ranges: [ClosedRange<Int>] {
        var merged = (ids ?? [0...Int.max]).merged
        switch order {
        case .startFirst: return merged
        case .oldestFirst:
            guard let after else { return merged }
            return merged.compactMap {
                $0.upperBound > after ? max($0.lowerBound, after + 1)...$0.upperBound : nil
            }
        case .newestFirst:
            merged.reverse()
            guard let after else { return merged }
            return merged.compactMap {
                $0.lowerBound < after ? $0.lowerBound...min($0.upperBound, after - 1) : nil
            }
        }
    }

    /// What of the list one walk along an index gives, in its order.
    struct Part {
        var condition: String?
        var sorting: String
        var index: String?
    }

    /// Few jobs have a priority, and an index of their own; all others start in the order of their ids.
    var parts: [Part] {
        switch order {
        case .newestFirst: return [Part(sorting: "id DESC")]
        case .oldestFirst: return [Part(sorting: "id")]
        case .startFirst:
            let sorting = "priority DESC, id"
            guard isOfLiveJobs else { return [Part(sorting: sorting)] }
            // The first term says that the index is the right one, which SQLite does not conclude from the second.
            return [
                Part(condition: "priority <> 0 AND priority > 0", sorting: sorting, index: "jobs_by_priority"),
                Part(condition: "priority = 0", sorting: "id"),
                Part(condition: "priority <> 0 AND priority < 0", sorting: sorting, index: "jobs_by_priority"),
            ]
        }
    }

    private var isOfLiveJobs: Bool { liveOnly || states.map { $0.allSatisfy { !$0.isFinal } } == true }

    /// The statement for one range of a part; its first two arguments are the range, its last is the limit.
    func statement(_ part: Part) -> (sql: String, arguments: [any DatabaseValueConvertible]) {
        var conditions = ["id BETWEEN ? AND ?"]
        if let condition = part.condition { conditions.append(condition) }
        var arguments: [any DatabaseValueConvertible] = []
        if let name {
            conditions.append("name = ?")
            arguments.append(name)
        }
        if let ownerUID {
            conditions.append("owner_uid = ?")
            arguments.append(ownerUID)
        }
        if let group {
            conditions.append("group_name = ?")
            arguments.append(group)
        }
        if let arrayID {
            conditions.append("array_id = ?")
            arguments.append(arrayID)
        }
        if let endedSince {
            conditions.append("ended_usec >= ?")
            arguments.append(endedSince.microsecondsSinceEpoch)
        }
        if isOfLiveJobs { conditions.append("ended_usec IS NULL") }
        if let states {
            // Few may have ended among many that wait.
            if !states.isEmpty, states.allSatisfy(\.isFinal) { conditions.append("ended_usec IS NOT NULL") }
            // One state is a walk along its index, which is in the order of ids. Of several, SQLite would collect and sort
            // all jobs; the plus sign keeps it off that index, so that it walks along the ids and stops at the limit. Those
            // that run are few whatever waits, and are sorted.
            let isShort = states.count == 1 || states.isSubset(of: [.running, .suspended])
            let column = isShort && !liveOnly ? "state" : "+state"
            conditions.append("\(column) IN (\(states.map { _ in "?" }.joined(separator: ", ")))")
            arguments += states.map(\.rawValue)
        }
        let sql = """
            SELECT \(StoredJob.columns) FROM jobs\(part.index.map { " INDEXED BY \($0)" } ?? "") \
            WHERE \(conditions.joined(separator: " AND ")) ORDER BY \(part.sorting) LIMIT ?
            """
        return (sql, arguments)
    }

    func fetch(_ db: Database) throws -> [StoredJob] {
        var found: [StoredJob] = []
        for part in parts {
            let (sql, filters) = statement(part)
            let select = try db.cachedStatement(sql: sql)
            for range in ranges {
                let ends: [any DatabaseValueConvertible] = [range.lowerBound, range.upperBound]
                let rows = try Row.fetchCursor(
                    select, arguments: StatementArguments(ends + filters + [max(0, limit - found.count)]))
                while let row = try rows.next() { found.append(StoredJob(row)) }
                if found.count >= limit { return found }
            }
        }
        return found
    }
}

extension Collection<ClosedRange<Int>> {
    /// The same numbers in ranges that do not overlap, in their order.
    var merged: [ClosedRange<Int>] {
        var merged: [ClosedRange<Int>] = []
        for range in sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound <= last.upperBound {
                merged[merged.count - 1] = last.lowerBound...Swift.max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        return merged
    }
}

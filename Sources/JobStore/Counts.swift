// SPDX-License-Identifier: Apache-2.0
import GRDB
import JobModel

extension JobStore {
    /// How many jobs live, by group and state.
    package func counts() throws(StoreError) -> [String: [JobState: Int]] {
        do {
            return try database.read { db in
                var counts: [String: [JobState: Int]] = [:]
                let rows = try Row.fetchCursor(
                    db, sql: "SELECT group_name, state, count(*) FROM jobs WHERE ended_usec IS NULL GROUP BY 1, 2")
                while let row = try rows.next() {
                    if let state = JobState(rawValue: row[1]) { counts[row[0], default: [:]][state] = row[2] }
                }
                return counts
            }
        } catch { throw StoreError(error, "count jobs", path: path) }
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel

/// `GET /v1/counts`: how many jobs there are, without naming each.
public struct CountsView: Sendable, Hashable {
    /// Of the jobs that have not ended, by state.
    public var live: [JobState: Int] = [:]
    /// How many ended since the moment that was asked for.
    public var ended = 0
    /// Whether nothing new starts, which explains what waits.
    public var draining = false
    /// Of the arrays that were asked for.
    public var arrays: [ArrayTotals] = []

    public init() {}

    public var json: JSON {
        .object([
            "live": CountsView.json(live), "ended": .int(ended), "draining": .bool(draining),
            "arrays": .array(arrays.map(\.json)),
        ])
    }

    static func json(_ states: [JobState: Int]) -> JSON {
        .object(
            JobState.allCases.compactMap { state in
                states[state].map { JSON.Member(key: state.rawValue, value: .int($0)) }
            })
    }
}

/// All jobs of one array.
public struct ArrayTotals: Sendable, Hashable {
    public var id: Int
    public var states: [JobState: Int] = [:]
    /// The highest id; those of an array follow each other.
    public var lastID: Int
    public var firstIndex: Int
    public var lastIndex: Int

    public init(id: Int, lastID: Int, firstIndex: Int, lastIndex: Int) {
        self.id = id
        self.lastID = lastID
        self.firstIndex = firstIndex
        self.lastIndex = lastIndex
    }

    public var count: Int { states.values.reduce(0, +) }

    var json: JSON {
        .object([
            "id": .int(id), "last_id": .int(lastID), "first_index": .int(firstIndex), "last_index": .int(lastIndex),
            "states": CountsView.json(states),
        ])
    }
}

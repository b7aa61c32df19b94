// SPDX-License-Identifier: Apache-2.0

/// A job's place in the order: the lesser starts first.
struct Rank: Hashable, Comparable, Sendable {
    var priority: Int
    var id: Int

    static func < (a: Self, b: Self) -> Bool { a.priority != b.priority ? a.priority > b.priority : a.id < b.id }
}

/// A job and a moment that matters to it, ordered by the moment.
struct Appointment: Hashable, Comparable, Sendable {
    var time: Int
    var id: Int

    static func < (a: Self, b: Self) -> Bool { a.time != b.time ? a.time < b.time : a.id < b.id }
}

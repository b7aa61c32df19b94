// SPDX-License-Identifier: Apache-2.0

/// The machine's share for jobs and who holds what of it.
struct Machine: Sendable {
    var capacity: Resources
    /// In the order of their latest ends.
    private(set) var running = SortedSet<Allocation>()
    private var used = Resources()

    init(capacity: Resources) { self.capacity = capacity }

    /// Negative while more is in use than there is: after a restart, or after the capacity shrank.
    var free: Resources { capacity - used }

    mutating func allocate(_ allocation: Allocation) {
        running.insert(allocation)
        used += allocation.request
    }

    mutating func release(_ allocation: Allocation) {
        running.remove(allocation)
        used -= allocation.request
    }

    /// Whether there is room for it when one job more has ended, whichever.
    func mayFitNext(_ request: Resources) -> Bool {
        running.elements.contains { request.fits(in: free + $0.request) }
    }

    /// What the head is promised, and what that leaves to jobs behind it.
    func reservation(for head: Rank, _ request: Resources, now: Int) -> Reservation {
        var expected = free
        var found: (shadow: Int, last: Int)?
        for allocation in running.elements {
            // Others may end by the same moment and add to the spare.
            guard let end = allocation.end, end <= found?.shadow ?? .max else { break }
            expected += allocation.request
            if found == nil, request.fits(in: expected) {
                // Whoever is past its limit is being killed right now.
                found = (max(end, now), allocation.rank.id)
            }
        }
        if let found { return Reservation(spare: expected - request, shadow: found.shadow, lastToEnd: found.last) }
        var spare = capacity - request
        for allocation in running.elements where head < allocation.rank { spare -= allocation.request }
        return Reservation(spare: spare, shadow: nil, lastToEnd: nil)
    }
}

/// A running job's part of the machine.
struct Allocation: Hashable, Comparable, Sendable {
    var rank: Rank
    var request: Resources
    /// When it has ended at the latest; `nil` if nobody knows, so `.max` is never a moment.
    var end: Int?

    init(rank: Rank, _ request: Resources, end: Int?) {
        self.rank = rank
        self.request = request
        self.end = end
    }

    static func < (a: Self, b: Self) -> Bool {
        (a.end ?? .max, a.rank.id) < (b.end ?? .max, b.rank.id)
    }
}

/// What is kept for the head, the first job that the machine has no room for, so that it cannot starve.
///
/// This is EASY backfill. *The shadow* is the moment at which the head fits at the latest, by the wall-time limits of what
/// runs; *the spare* is what is left beside the head then. Jobs behind the head start only if they have ended by the
/// shadow, or stay within the spare for as long as they run.
///
/// Without a wall-time limit among what has to end first, the shadow is unknown, and no end of a later job is early enough.
/// Then the spare is what is left beside the head *when all others have ended*: all jobs behind the head that run, together,
/// keep within the capacity less the head's request.
///
/// **The bound.** Look at a head for as long as it stays the head, nothing before it in order starts, and nobody changes the
/// capacity or a priority. Let *A* be the jobs that run at the beginning of that time.
/// 1. While the shadow is unknown, the head waits for jobs of *A* only: were they gone, then only jobs that started behind
///    it would run, and these keep within the capacity less its request.
/// 2. Once a shadow is known, it stays known and never becomes later: a job that was let in either gave everything back by
///    then or left enough beside it. So the head starts by the first shadow, which is the latest end of a job that ran
///    when that shadow was found, whatever is submitted afterwards.
///
/// Hence no head is overtaken for longer than the jobs of *A* run or, after the first shadow was found, than to that moment.
/// A job that is killed at its limit may take its grace period beyond that, and a suspended job its pause.
struct Reservation: Sendable {
    private(set) var spare: Resources
    let shadow: Int?
    /// The job whose end makes the room.
    let lastToEnd: Int?

    init(spare: Resources, shadow: Int?, lastToEnd: Int?) {
        self.spare = spare
        self.shadow = shadow
        self.lastToEnd = lastToEnd
    }

    /// Whether a job that fits now would leave the head its promise; takes its part of the spare if it needs it.
    mutating func admit(_ request: Resources, wallTimeUsec: Int?, now: Int) -> Bool {
        if let shadow, let end = Self.end(of: wallTimeUsec, from: now), end <= shadow { return true }
        guard request.fits(in: spare) else { return false }
        spare -= request
        return true
    }

    /// `nil` also if the limit reaches to the end of time.
    static func end(of wallTimeUsec: Int?, from start: Int) -> Int? {
        guard let wallTimeUsec else { return nil }
        let (end, overflow) = start.addingReportingOverflow(wallTimeUsec)
        return overflow || end == .max ? nil : end
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel

extension Scheduler {
    /// Everything that may start now, which counts as running from now on, and everything that never can.
    ///
    /// Skipped jobs come first, each after the one whose skipping caused it. Without a change since the last call this
    /// costs nothing, so it may be called after every event.
    package mutating func decide(now: Int) -> [Decision] {
        while let next = beginsInOrder.first, next.time <= now {
            setBegin(nil, of: next.id)
            clear(.begin, of: next.id)
        }
        var decisions = skipImpossible()
        if !isSettled, !isDraining { decisions += startReady(now: now) }
        return decisions
    }

    /// Skipping cascades: who waited for a skipped job to complete is skipped, too.
    private mutating func skipImpossible() -> [Decision] {
        var decisions: [Decision] = []
        while !impossible.isEmpty {
            for (id, reason) in impossible.sorted(by: { $0.key < $1.key }) {
                decisions.append(.skip(id, reason))
                ended(id, as: .skipped)
            }
        }
        return decisions
    }

    private mutating func startReady(now: Int) -> [Decision] {
        var decisions: [Decision] = []
        var head: (kind: ReadyQueue.KindIndex, reservation: Reservation)?
        var refused = 0
        var last: Rank?
        while refused < lookAhead, let front = queue.first(after: last) {
            last = front.rank
            let kind = queue.kind(front.kind)
            let mayStart =
                kind.request.fits(in: machine.free)
                && head.map { queue.leavesPlace(front.kind, for: $0.kind) } ?? true
                && head?.reservation.admit(kind.request, wallTimeUsec: kind.wallTimeUsec, now: now) ?? true
            if mayStart {
                start(front.rank.id, at: now)
                decisions.append(.start(front.rank.id))
            } else if head == nil {
                head = (front.kind, machine.reservation(for: front.rank, kind.request, now: now))
            } else {
                refused += 1
            }
        }
        // A kind that was refused may have been blocked by its group since, and another look would go on to the next.
        isSettled = refused < lookAhead || decisions.isEmpty
        return decisions
    }

    /// The jobs that are most likely to start next, at most `count` of them, in their order.
    ///
    /// A guess, by which nothing is decided: they wait for room only, the end of one job could make it, and nobody before
    /// them needs more than that.
    package func upcoming(_ count: Int) -> [Int] {
        isDraining ? [] : queue.first(count) { machine.mayFitNext($0.request) }.map(\.id)
    }
}

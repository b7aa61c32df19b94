// SPDX-License-Identifier: Apache-2.0

@testable import Scheduler

/// Watches that the head is not overtaken for longer than ``Reservation`` promises.
struct HeadWatch {
    private var head: Rank?
    /// *A* of the promise: who ran when the time began that it speaks of.
    private var runningAtFirst: Set<Int> = []
    private var shadow: Int?

    /// The time begins anew: somebody changed the capacity or a priority.
    mutating func restart() { head = nil }

    mutating func started(_ rank: Rank) { if let head, rank <= head { restart() } }

    /// To be asked after every decision, and within one before a job starts that is not the first.
    mutating func violation(in model: Model) -> String? {
        // Nothing is decided while the queue drains.
        guard !model.isDraining, let waiting = model.candidates.first else {
            restart()
            return nil
        }
        let shadow = model.shadow(for: waiting).time
        guard waiting.rank == head else {
            head = waiting.rank
            runningAtFirst = Set(model.running.map(\.entry.id))
            self.shadow = shadow
            return nil
        }
        guard let promised = self.shadow else {
            self.shadow = shadow
            let isWaitedFor = model.running.contains { runningAtFirst.contains($0.entry.id) }
            return isWaitedFor ? nil : "\(waiting.rank) waits only for jobs that started behind it"
        }
        guard let shadow, shadow <= promised else { return "the shadow of \(waiting.rank) moved from \(promised)" }
        self.shadow = shadow
        // A job of no length at all may have come in at the last moment, and will be gone at the next step.
        let isOver = model.now >= shadow && !model.running.contains { ($0.latestEnd ?? .max) <= model.now }
        return isOver ? "\(waiting.rank) was to start by \(shadow)" : nil
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel
import Linux
import Queue
import Supervisor

/// Attempts that are launched before their turn and wait at their gates.
///
/// Of a job of milliseconds the launch is the longest part, and a place that became free would stand empty for it. So while
/// short jobs end one after the other, those that are next are launched already: cgroup, namespaces and mounts are there,
/// and what is left for the moment of the start is one commit and one byte. To the books, the scheduler and everybody who
/// asks, such a job is pending.
extension Dispatcher {
    /// More than a few are of no use: one thread launches them all.
    private static let mostPrepared = 4
    private static let mostReadAhead = 16
    /// Of an attempt that ended within that time others like it may profit.
    private static let shortUsec = 250_000
    /// What was prepared knows the machine as it was then: its mounts, its users.
    private static let staleUsec = 1_000_000

    /// An attempt has ended after `wallTimeUsec`.
    func noteLength(_ wallTimeUsec: Int?) {
        if let wallTimeUsec, wallTimeUsec < Self.shortUsec { lastShortUsec = clock.monotonic }
    }

    /// Prepares what is likely to start next, once nothing else is to be done.
    func prepareSoon() {
        guard !isPreparing, clock.monotonic - lastShortUsec < Self.staleUsec else { return }
        isPreparing = true
        executor.eventLoop.whenIdle { [self] in assumeIsolated { $0.prepare() } }
    }

    /// One at a time: an end that comes meanwhile is more urgent than the next of them.
    private func prepare() {
        isPreparing = false
        guard !isStopping, table.countAhead < Self.mostPrepared else { return }
        // One for each place that may become free, and one for the first of them that does so again.
        let upcoming = scheduler.upcoming(min(Self.mostPrepared, table.countUnderWay + 1))
        guard let id = upcoming.first(where: table.mayPrepare) else { return }
        if ledger.submission(of: id) == nil, readAhead[id] == nil { readMore() }
        // What is wrong with it, it will tell when its turn has come.
        let launched = CrashNote.about(id) { () -> (QueuedAttempt, Attempt)? in
            // A lookup of devices may take long.
            guard let (next, context) = try? next(of: id), next.spec.limits.devicePaths.isEmpty,
                let attempt = try? attempt(of: next, context: context, ahead: true)
            else { return nil }
            return (next, attempt)
        }
        guard let (next, attempt) = launched else {
            apply(.cannotPrepare, to: id)
            return prepareSoon()
        }
        var entry = next
        entry.handle = attempt
        if table.countAhead == 0 { awaitStale() }
        apply(.prepare(entry, at: clock.monotonic), to: id)
        prepareSoon()
    }

    /// Several at a time: each read waits for the commit that is under way, and the whole queue with it.
    private func readMore() {
        readAhead = [:]
        let ids = scheduler.upcoming(Self.mostReadAhead).filter {
            table.ahead($0) == nil && ledger.submission(of: $0) == nil
        }
        for entry in (try? store.jobsWithDocuments(ids)) ?? [] { readAhead[entry.job.id] = entry }
    }

    private func awaitStale() {
        guard !isStaleDue else { return }
        isStaleDue = true
        clock.after(Self.staleUsec) { [self] in
            isStaleDue = false
            let since = clock.monotonic - Self.staleUsec
            for id in table.allAhead where table.preparedSince(id).map({ $0 <= since }) == true { takeBack(id) }
            if table.countAhead > 0 { awaitStale() }
        }
    }

    /// The job will not start, or not now.
    func takeBack(_ id: Int) {
        if let attempt = table.ahead(id) { revoke(attempt) }
    }

    func takeBackAll() { for id in table.allAhead { takeBack(id) } }

    func revoke(_ attempt: QueuedAttempt) {
        apply(.revoke(isGone: attempt.handle?.takeBack() ?? true), to: attempt.job.id)
    }

    /// The attempt is gone for which the start of its job has waited.
    func startAgain(_ id: Int) {
        guard scheduler.contains(id) else { return }
        // Somebody may have held it meanwhile.
        if let job = try? store.job(id), job.state != .pending {
            scheduler.requeue(id)
            scheduler.hold(id)
        } else {
            start(id)
        }
    }
}

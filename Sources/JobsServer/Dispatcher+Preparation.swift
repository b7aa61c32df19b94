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
    struct Prepared {
        var entry: Running
        var since: Int
        /// Its job is to start as soon as this is gone.
        var isDue = false
    }

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
        guard !isStopping, prepared.count < Self.mostPrepared else { return }
        // One for each place that may become free, and one for the first of them that does so again.
        let upcoming = scheduler.upcoming(min(Self.mostPrepared, running.count + 1))
        guard let id = upcoming.first(where: { prepared[$0] == nil && !unprepared.contains($0) }) else { return }
        if ledger.submission(of: id) == nil, readAhead[id] == nil { readMore() }
        // What is wrong with it, it will tell when its turn has come.
        let launched = CrashNote.about(id) { () -> (Running, Attempt)? in
            // A lookup of devices may take long.
            guard let (next, context) = try? next(of: id), next.spec.limits.devicePaths.isEmpty,
                let attempt = try? attempt(of: next, context: context, ahead: true)
            else { return nil }
            return (next, attempt)
        }
        guard let (next, attempt) = launched else {
            unprepared.insert(id)
            return prepareSoon()
        }
        var entry = next
        entry.attempt = attempt
        if prepared.isEmpty { awaitStale() }
        prepared[id] = Prepared(entry: entry, since: clock.monotonic)
        prepareSoon()
    }

    /// Several at a time: each read waits for the commit that is under way, and the whole queue with it.
    private func readMore() {
        readAhead = [:]
        let ids = scheduler.upcoming(Self.mostReadAhead).filter {
            prepared[$0] == nil && ledger.submission(of: $0) == nil
        }
        for entry in (try? store.jobsWithDocuments(ids)) ?? [] { readAhead[entry.job.id] = entry }
    }

    private func awaitStale() {
        guard !isStaleDue else { return }
        isStaleDue = true
        clock.after(Self.staleUsec) { [self] in
            isStaleDue = false
            let since = clock.monotonic - Self.staleUsec
            for (id, entry) in prepared where entry.since <= since { takeBack(id) }
            if !prepared.isEmpty { awaitStale() }
        }
    }

    /// It tells nothing; the job is launched anew when its turn has come, and not before.
    func endedBeforeItsTurn(_ id: Int) {
        let isDue = prepared[id]?.isDue ?? false
        unprepared.insert(id)
        takeBack(id)
        guard isDue, scheduler.contains(id) else { return }
        // Somebody may have held it meanwhile.
        if let job = try? store.job(id), job.state != .pending {
            scheduler.requeue(id)
            scheduler.hold(id)
        } else {
            start(id)
        }
    }

    /// The job will not start, or not now.
    func takeBack(_ id: Int) {
        // One that does not end stays: there cannot be two with one number.
        if prepared[id]?.entry.attempt?.takeBack() == true { prepared[id] = nil }
    }

    func takeBackAll() { for id in prepared.keys { takeBack(id) } }
}

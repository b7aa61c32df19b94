// SPDX-License-Identifier: Apache-2.0
import Cgroups
import JobModel
import JobStore
import Linux
import Queue
import Scheduler
import Supervisor

/// Attempts that are launched before their turn and wait at their gates; see ``Preparer``.
extension Dispatcher {
    /// Prepares the job that is likely to start next, once nothing else is to be done.
    func prepareSoon() {
        guard preparer.arrange() else { return }
        executor.eventLoop.whenIdle { [self] in assumeIsolated { $0.prepare() } }
    }

    /// One at a time: an end that comes meanwhile is more urgent than the next of them.
    private func prepare() {
        guard let id = preparer.next(in: table, upcoming: scheduler.upcoming), !isStopping else { return }
        if ledger.submission(of: id) == nil, preparer.row(of: id) == nil { readAhead() }
        // An error here is told when the job's turn has come.
        let launched = CrashNote.about(id) { () -> QueuedAttempt? in
            // A lookup of devices may take long.
            guard let (attempt, context) = try? next(of: id), attempt.spec.limits.devicePaths.isEmpty,
                let handle = try? self.attempt(of: attempt, context: context, ahead: true)
            else { return nil }
            var launched = attempt
            launched.handle = handle
            return launched
        }
        if let launched {
            apply(.prepare(launched, at: clock.monotonic), to: id)
            awaitStale()
        } else {
            apply(.cannotPrepare, to: id)
        }
        prepareSoon()
    }

    private func readAhead() {
        let ids = scheduler.upcoming(Preparer.mostReadAhead).filter {
            table.ahead($0) == nil && ledger.submission(of: $0) == nil
        }
        preparer.keep((try? store.jobsWithDocuments(ids)) ?? [])
    }

    private func awaitStale() {
        guard let oldest = table.allAhead.compactMap(table.preparedSince).min() else { return }
        preparer.awaitStale(oldest: oldest) { [self] since in
            for id in table.allAhead where table.preparedSince(id).map({ $0 <= since }) == true { takeBack(id) }
            awaitStale()
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
        guard scheduler.contains(id), !isStopping else { return }
        // A request may have held it meanwhile.
        if let job = try? store.job(id), job.state != .pending {
            scheduler.requeue(id)
            scheduler.hold(id)
        } else {
            start(id)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import Linux
import Logging
import Queue
import Scheduler
import Supervisor

extension Gate: StartGate {}

/// The way of changes to the disk, and the way on when the disk does not take them.
extension Dispatcher {
    /// Puts changes on disk and calls `then` when they are there, or when they could not be written.
    ///
    /// At the end of the loop's turn: the end of one job and the start of the next then share a transaction, and what is
    /// read meanwhile does not wait for one.
    ///
    /// - Parameter gate: of the attempt that begins by them; opened by the thread that wrote them.
    func commit(_ changes: [Change], opening gate: Gate? = nil, then: @escaping (StoreError?) -> Void) {
        for change in changes { preparer.forget(change.job) }
        guard ledger.append(changes, opening: gate, then: then) else { return }
        executor.eventLoop.atTurnsEnd { [self] in assumeIsolated { $0.flush() } }
    }

    private func flush() {
        guard let batch = ledger.takeBatch() else { return }
        let number = batch.number
        store.append(
            JobStore.Batch(batch.calls) { [self] errors in
                batch.openGates(errors)
                executor.post { self.assumeIsolated { $0.landed(number, errors) } }
            })
    }

    /// The same for a caller that waits for it.
    func written(_ changes: [Change]) async -> StoreError? {
        await withCheckedContinuation { continuation in commit(changes) { continuation.resume(returning: $0) } }
    }

    private func landed(_ batch: Int, _ errors: [StoreError?]) {
        ledger.landed(batch, errors) { outcome in
            // Read while it was on its way.
            for change in outcome.changes { preparer.forget(change.job) }
            if let error = outcome.error {
                if error.isTheDisks { troubled(by: error) }
                return outcome.then(error)
            }
            quotaUsage.note(outcome.changes)
            outcome.then(nil)
            // A follower that hears of a change finds it on disk.
            announce(outcome.changes)
        }
        statusChanged()
    }

    /// The disk is full or broken: nothing more is started, and what could not be recorded is tried again.
    func troubled(by error: StoreError) {
        if ledger.trouble == nil { log.error("\(error.description)") }
        ledger.suspend(by: error) { [self] in tryAgain() }
        statusChanged()
        scheduler.isDraining = true
        takeBackAll()
    }

    private func tryAgain() {
        // A call without changes tells whether the disk takes writes again; if not, the next attempt has been arranged.
        commit([]) { [self] error in
            guard error == nil else { return }
            log.notice("the disk takes writes again")
            ledger.resume()
            scheduler.isDraining = queueSettings.isDraining
            for id in table.allEnding { apply(.writeEnd, to: id) }
            dispatch()
        }
    }
}

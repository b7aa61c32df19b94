// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import Queue
import Supervisor

/// What goes to the disk, and what happens when the disk does not take it.
extension Dispatcher {
    /// Puts changes on disk and calls `then` when they are there, or when they could not be written.
    ///
    /// At the end of the loop's turn: the end of one job and the start of the next then share a transaction, and what is
    /// read meanwhile does not wait for one.
    ///
    /// - Parameter gate: of the attempt that begins by them; opened by the thread that wrote them.
    func commit(_ changes: [Change], opening gate: Gate? = nil, then: @escaping (StoreError?) -> Void) {
        for change in changes {
            readAhead[change.job] = nil
            if let state = change.state { settling[change.job] = state.isFinal ? state : nil }
        }
        let number = nextCommit
        nextCommit += 1
        commits[number] = (changes, then)
        if outbox.isEmpty { executor.eventLoop.atTurnsEnd { [self] in assumeIsolated { $0.flush() } } }
        outbox.append(
            JobStore.Call(changes: changes) { [self] error in
                if error == nil { gate?.noteStart() }
                executor.post { self.assumeIsolated { $0.committed(number, error) } }
            })
    }

    private func flush() {
        store.append(outbox)
        outbox = []
    }

    /// The same for somebody who waits for it.
    func written(_ changes: [Change]) async -> StoreError? {
        await withCheckedContinuation { continuation in commit(changes) { continuation.resume(returning: $0) } }
    }

    private func committed(_ number: Int, _ error: StoreError?) {
        guard let (changes, then) = commits.removeValue(forKey: number) else { return }
        for change in changes {
            // Read while it was on its way.
            readAhead[change.job] = nil
            // Not by the news of its start, which may come later than its end. What the disk does not take is tried again.
            if change.state?.isFinal == true, error?.isTheDisks != true { settling[change.job] = nil }
        }
        if let error, error.isTheDisks { troubled(by: error) }
        if error == nil { noteInLedger(changes) }
        then(error)
        // Whoever hears of it finds it on disk.
        if error == nil { announce(changes) }
        statusChanged()
    }

    /// Jobs that have ended, and do not begin again by the same changes, are in nobody's way any more.
    private func noteInLedger(_ changes: [Change]) {
        for (index, change) in changes.enumerated() where change.state?.isFinal == true {
            let goesOn = changes[(index + 1)...].contains { $0.job == change.job && $0.state?.isFinal == false }
            if !goesOn { quotaUsage.leave(change.job) }
        }
    }

    /// The disk is full or broken: nothing more is started, and a timer tries again what could not be recorded.
    func troubled(by error: StoreError) {
        if storeTrouble == nil { log.error("\(error.description)") }
        storeTrouble = error
        statusChanged()
        scheduler.isDraining = true
        takeBackAll()
        guard !isRepairDue else { return }
        isRepairDue = true
        clock.after(5_000_000) { [self] in tryAgain() }
    }

    private func tryAgain() {
        isRepairDue = false
        // An empty transaction of its own tells whether the disk takes writes again.
        store.append([]) { [self] error in
            executor.post {
                self.assumeIsolated { queue in
                    if let error { return queue.troubled(by: error) }
                    queue.log.notice("the disk takes writes again")
                    queue.storeTrouble = nil
                    queue.statusChanged()
                    queue.scheduler.isDraining = queue.queueSettings.isDraining
                    for key in queue.ending.keys { queue.keep(key) }
                    queue.dispatch()
                }
            }
        }
    }
}

extension StoreError {
    /// Whether it will be so for every write, whatever it says.
    var isTheDisks: Bool {
        switch problem {
        case .refused, .damagedRow: false
        default: true
        }
    }
}

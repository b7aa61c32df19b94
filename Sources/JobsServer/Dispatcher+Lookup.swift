// SPDX-License-Identifier: Apache-2.0
import Cgroups
import JobModel
import JobStore
import Linux
import Queue
import Supervisor

/// Attempts whose devices are looked up before they are launched.
extension Dispatcher {
    /// An attempt that is under way in the books, and waits for the numbers of its devices.
    struct Lookup {
        var context: SubmissionContext
        /// Ends the wait.
        var timer: TimerQueue.ID
    }

    func lookUp(_ entry: QueuedAttempt, context: SubmissionContext) {
        let key = entry.key
        let limits = entry.spec.limits
        // An attempt of an earlier daemon, if there is one, has ended without having begun.
        table.amend(key) { $0.handle = nil }
        let timer = clock.after(DeviceLookup.limit.microseconds) { [self] in
            lookedUp(key, .failure(DeviceLookup.noAnswer(limits)))
        }
        lookups[key] = Lookup(context: context, timer: timer)
        deviceLookup.start(limits, for: entry.job.owner) { [self] result in
            executor.post { self.assumeIsolated { $0.lookedUp(key, result) } }
        }
    }

    private func lookedUp(_ key: AttemptKey, _ result: Result<Limits, CgroupError>) {
        // Cancelled meanwhile, or it took too long.
        guard let lookup = endLookup(key), var entry = table.underWay(key.job), entry.key == key, !isStopping else {
            return
        }
        CrashNote.about(key.job) {
            switch result {
            case .success(let limits):
                entry.spec.limits = limits
                table.amend(key) { $0.spec.limits = limits }
                launch(entry, context: lookup.context)
            case .failure(let error):
                ended(key, neverStarted(entry, error.description), after: unwrittenStart(of: entry))
            }
        }
    }

    /// Ends an attempt whose devices are being looked up.
    ///
    /// - Returns: `false` if there is no such.
    func cancelLookup(_ entry: QueuedAttempt) -> Bool {
        guard endLookup(entry.key) != nil else { return false }
        ended(entry.key, cancelledBeforeItBegan(entry), after: unwrittenStart(of: entry))
        return true
    }

    /// The start of an attempt that has not got as far as ``commit(_:opening:then:)``.
    private func unwrittenStart(of entry: QueuedAttempt) -> [Change] {
        table.isStartWritten(entry.job.id) ? [] : [begin(of: entry, at: now)]
    }

    private func endLookup(_ key: AttemptKey) -> Lookup? {
        guard let lookup = lookups.removeValue(forKey: key) else { return nil }
        clock.cancel(lookup.timer)
        return lookup
    }
}

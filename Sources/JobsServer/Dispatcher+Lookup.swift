// SPDX-License-Identifier: Apache-2.0
import Cgroups
import JobModel
import Linux
import Queue
import Supervisor

/// Attempts whose devices are looked up before they are launched.
extension Dispatcher {
    /// An attempt that is under way in the books, and waits for the numbers of its devices.
    struct Lookup {
        var context: SubmissionContext
        var isOnDisk: Bool
        /// Ends the wait.
        var timer: TimerQueue.ID
    }

    func lookUp(_ entry: Running, context: SubmissionContext, isOnDisk: Bool) {
        let key = entry.key
        let limits = entry.spec.limits
        // An attempt of an earlier daemon, if there is one, has ended without having begun.
        running[key.job]?.attempt = nil
        let timer = clock.after(DeviceLookup.limit.microseconds) { [self] in
            lookedUp(key, .failure(DeviceLookup.noAnswer(limits)))
        }
        lookups[key] = Lookup(context: context, isOnDisk: isOnDisk, timer: timer)
        deviceLookup.start(limits, for: entry.job.owner) { [self] result in
            executor.post { self.assumeIsolated { $0.lookedUp(key, result) } }
        }
    }

    private func lookedUp(_ key: AttemptKey, _ result: Result<Limits, CgroupError>) {
        // Cancelled meanwhile, or it took too long.
        guard let lookup = endLookup(key), let entry = running[key.job], entry.key == key, !isStopping else { return }
        CrashNote.about(key.job) {
            switch result {
            case .success(let limits):
                running[key.job]?.spec.limits = limits
                launch(key.job, context: lookup.context, isOnDisk: lookup.isOnDisk)
            case .failure(let error):
                let changes = lookup.isOnDisk ? [] : [begin(of: entry, at: now)]
                ended(key, neverStarted(entry, error.description), after: changes)
            }
        }
    }

    /// Ends an attempt whose devices are being looked up.
    ///
    /// - Returns: `false` if there is no such.
    func cancelLookup(_ entry: Running) -> Bool {
        guard let lookup = endLookup(entry.key) else { return false }
        ended(entry.key, cancelledBeforeItBegan(entry), after: lookup.isOnDisk ? [] : [begin(of: entry, at: now)])
        return true
    }

    private func endLookup(_ key: AttemptKey) -> Lookup? {
        guard let lookup = lookups.removeValue(forKey: key) else { return nil }
        clock.cancel(lookup.timer)
        return lookup
    }
}

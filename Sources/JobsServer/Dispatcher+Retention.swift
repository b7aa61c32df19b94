// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import Linux
import Queue
import Supervisor

/// What the dispatcher remembers of retention between two looks at the store.
struct Expiry {
    var isRunning = false
    /// Ends and output since the last look: the store is asked once in a hundredth of what may stay.
    var ends = 0
    var bytes = 0
    /// The next job becomes too old then.
    var timer: TimerQueue.ID?
}

/// Finished jobs leave when there are too many of them, when they are too old, or when their output is too large.
extension Dispatcher {
    /// A job has ended, or an attempt of it.
    func noteEnd(_ changes: [Change]) {
        expiry.ends += 1
        for case .attemptEnded(_, _, _, let figures, _, _) in changes { expiry.bytes += figures.outputBytes ?? 0 }
        let policy = settings.retention
        let bytes = min(policy.bytes ?? .max, settings.quotas.output ?? .max)
        let isDue = policy.jobs.map { expiry.ends > $0 / 100 } ?? false || expiry.bytes > bytes / 100
        // The first end starts the clock for its age.
        if isDue || (policy.ageUsec != nil && expiry.timer == nil) { removeExpired() }
    }

    func removeExpired() {
        guard settings.retention != RetentionPolicy() || settings.quotas.output != nil, !expiry.isRunning, !isStopping
        else { return }
        expiry.isRunning = true
        expiry.ends = 0
        expiry.bytes = 0
        Task {
            do { try await removeAllExpired() } catch {
                log.warning("finished jobs could not be removed: \(error)")
            }
            expiry.isRunning = false
        }
    }

    private func removeAllExpired() async throws {
        let policy = settings.retention
        var bound = Retention(
            endedBefore: policy.ageUsec.map {
                Timestamp(microsecondsSinceEpoch: now.microsecondsSinceEpoch - $0)
            }, keep: policy.jobs, keepBytes: policy.bytes)
        bound.keepBytesOfEach = settings.quotas.output
        bound.exempt = Quotas.exempt
        let folder = settings.stateDirectory
        var removed = 0
        while !isStopping {
            let jobs = try await store.offThread(asChore: true) { [bound] store throws(StoreError) in
                let jobs = try store.expired(bound, limit: 200)
                // Before the rows: what is left over by a crash in between is found again by its row.
                for job in jobs {
                    for attempt in stride(from: 1, through: job.attempts, by: 1) {
                        try? AttemptDirectory("\(folder)/attempts/\(job.id).\(attempt)").removeAll()
                    }
                }
                return jobs
            }
            guard !jobs.isEmpty else { break }
            // Refused if somebody has retried one of them meanwhile: it lives, and the others leave at the next look.
            guard await written(jobs.map { .removed(job: $0.id) }) == nil else { break }
            removed += jobs.count
        }
        if removed > 0 { log.notice("\(removed) finished jobs were removed with their output") }
        guard let age = policy.ageUsec,
            let first = try await store.offThread({ store throws(StoreError) in try store.kept() }).firstEnd
        else { return }
        awaitExpiry(at: first.microsecondsSinceEpoch + age)
    }

    private func awaitExpiry(at microseconds: Int) {
        if let timer = expiry.timer { clock.cancel(timer) }
        // Those that ended within the same second or so leave together.
        expiry.timer = clock.at(microseconds + 1_000_000) { [self] in
            expiry.timer = nil
            removeExpired()
        }
    }
}

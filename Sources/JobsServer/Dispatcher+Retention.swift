// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import JobModel
import JobStore
import Logging
import Queue
import Supervisor

/// Finished jobs leave when there are too many of them, when they are too old, or when their output is too large.
extension Dispatcher {
    /// A job has ended, or an attempt of it.
    func noteEnd(_ changes: [Change]) {
        if expiry.note(changes) { removeExpired() }
    }

    func removeExpired() {
        guard !isStopping, let bound = expiry.begin() else { return }
        Task {
            var oldest: Timestamp?
            do { oldest = try await remove(bound) } catch {
                log.warning("finished jobs could not be removed: \(error)")
            }
            expiry.end(oldest: oldest) { [self] in removeExpired() }
        }
    }

    /// - Returns: the end of the oldest job that stays.
    private func remove(_ bound: Retention) async throws -> Timestamp? {
        let folder = settings.stateDirectory
        var removed = 0
        while !isStopping {
            let jobs = try await store.offThread(asChore: true) { store throws(StoreError) in
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
        guard bound.endedBefore != nil else { return nil }
        return try await store.offThread { store throws(StoreError) in try store.kept() }.firstEnd
    }
}

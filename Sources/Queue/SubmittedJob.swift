// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore

/// The rows that a submission becomes.
extension JobSubmission {
    /// The job, or the first one of its array; the others have an id and a place of their own.
    package func job(_ id: Int, at now: Timestamp) -> StoredJob {
        let wanted = spec.scheduling
        // By scalars, because one character may be of any length.
        let command = (spec.command?.arguments ?? []).joined(separator: " ").unicodeScalars.prefix(200)
        var job = StoredJob(
            id: id, name: spec.name, owner: owner, command: String(command), submittedAt: now,
            state: wanted.held ? .held : .pending)
        job.group = wanted.group
        job.priority = wanted.priority
        job.begin = wanted.begin
        job.dependency = dependency
        job.memoryRequestBytes = (wanted.memoryRequest ?? spec.limits.memory)?.bytes
        job.cpusRequest = wanted.cpusRequest ?? spec.limits.cpus
        job.memoryLimitBytes = spec.limits.memory?.bytes
        // Then it has ended at the latest, which is what the scheduler wants to know.
        job.wallTimeLimitUsec = spec.limits.wallTime.map { limit in
            let (end, overflow) = limit.microseconds.addingReportingOverflow(spec.limits.grace.microseconds)
            return overflow ? .max : end
        }
        job.attemptsMax = wanted.retry.retries + 1
        let count = wanted.array?.indices.ids.count ?? 1
        job.textBytes = (document.bytes + count - 1) / max(1, count)
        return job
    }

    /// The place of each job in its array, in the order of their ids; a single `nil` for a job without one.
    package func places(from first: Int) -> [StoredJob.ArrayPlace?] {
        guard let array = spec.scheduling.array else { return [nil] }
        return array.indices.ids.map { StoredJob.ArrayPlace(id: first, index: $0, parallel: array.parallel) }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobFile
import JobModel
import JobStore
import JobsAPI
import Linux
import Scheduler
import Supervisor

extension Dispatcher {
    /// Queues a job, or the jobs of an array. Returns once they are on disk; they may have started by then.
    func enter(_ submission: JobSubmission) async throws -> Submitted {
        if let trouble = storeTrouble { throw QueueError.store(trouble) }
        let spec = submission.spec
        if spec.limits.output.bytes > settings.outputCeiling {
            throw QueueError.outputLimitTooLarge(
                asked: spec.limits.output, most: settings.outputCeiling, stateDirectory: settings.stateDirectory)
        }
        let notices = try checkGroup(of: spec, isGroupInUse: submission.isGroupInUse)
        let first = nextID
        var template = job(first, submission)
        let places: [StoredJob.ArrayPlace?] =
            spec.scheduling.array.map { array in
                array.indices.ids.map { StoredJob.ArrayPlace(id: first, index: $0, parallel: array.parallel) }
            } ?? [nil]
        if let limit = settings.quotas.array, places.count > limit, Quotas.apply(to: submission.owner.uid) {
            throw QueueError.arrayTooLarge(jobs: places.count, most: limit)
        }
        let texts = submission.document.bytes
        template.textBytes = (texts + places.count - 1) / places.count
        let share = Ledger.Share(of: template)
        try ledger.admit(share * places.count, of: submission.owner.uid, settings.quotas)
        nextID += places.count
        let answer = Submitted(id: first, count: places.count, notices: notices + self.notices(about: template))
        var changes: [Change] = []
        changes.reserveCapacity(places.count + 1)
        for (offset, place) in places.enumerated() {
            var job = template
            job.id = first + offset
            job.array = place
            changes.append(.submitted(job, submission.document))
            fresh[job.id] = (job, submission.document)
            ledger.enter(job.id, share, of: job.owner.uid)
            enqueue(job)
        }
        if let key = submission.key {
            changes.append(
                .keyed(
                    KeyedSubmission(
                        key: key.id, fingerprint: key.fingerprint, job: first, answer: answer.json.text(), at: now)))
        }
        let ids = first..<first + places.count
        let error = await withCheckedContinuation { (continuation: CheckedContinuation<StoreError?, Never>) in
            commit(changes) { [self] error in
                for id in ids { fresh[id] = nil }
                if ids.count > 1000 {
                    if fresh.isEmpty { fresh = [:] }
                    // glibc would keep what it took. Once all who hold the changes have let go of them.
                    executor.eventLoop.whenIdle { trimMemory() }
                }
                continuation.resume(returning: error)
            }
            // Before the commit is there: both are on disk by the same one.
            dispatch()
        }
        if let error {
            for id in ids {
                ledger.leave(id)
                takeBack(id)
                scheduler.ended(id, as: .cancelled)
            }
            throw QueueError.store(error)
        }
        log.info(
            "submitted",
            metadata: ["JOB_ID": "\(first)", "JOB_NAME": "\(spec.name)", "JOB_OWNER": "\(submission.owner.name)"])
        return answer
    }

    private func job(_ id: Int, _ submission: JobSubmission) -> StoredJob {
        let spec = submission.spec
        let wanted = spec.scheduling
        // By scalars, because one character may be of any length.
        let command = (spec.command?.arguments ?? []).joined(separator: " ").unicodeScalars.prefix(200)
        var job = StoredJob(
            id: id, name: spec.name, owner: submission.owner, command: String(command), submittedAt: now,
            state: wanted.held ? .held : .pending)
        job.group = wanted.group
        job.priority = wanted.priority
        job.begin = wanted.begin
        job.dependency = submission.dependency
        job.memoryRequestBytes = (wanted.memoryRequest ?? spec.limits.memory)?.bytes
        job.cpusRequest = wanted.cpusRequest ?? spec.limits.cpus
        job.memoryLimitBytes = spec.limits.memory?.bytes
        // Then it has ended at the latest, which is what the scheduler wants to know.
        job.wallTimeLimitUsec = spec.limits.wallTime.map { limit in
            let (end, overflow) = limit.microseconds.addingReportingOverflow(spec.limits.grace.microseconds)
            return overflow ? .max : end
        }
        job.attemptsMax = wanted.retry.retries + 1
        return job
    }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobModel
import JobStore
import JobsAPI
import Linux
import Logging
import Queue
import Scheduler

extension Dispatcher {
    /// Queues a job, or the jobs of an array. Returns once they are on disk; they may have started by then.
    func enter(_ submission: JobSubmission) async throws -> Submitted {
        if let trouble = ledger.trouble { throw QueueError.store(trouble) }
        let spec = submission.spec
        if spec.limits.output.bytes > settings.outputCeiling {
            throw QueueError.outputLimitTooLarge(
                asked: spec.limits.output, most: settings.outputCeiling, stateDirectory: settings.stateDirectory)
        }
        let notices = try checkGroup(of: spec, isGroupInUse: submission.isGroupInUse)
        let first = nextID
        let template = submission.job(first, at: now)
        let places = submission.places(from: first)
        if let limit = settings.quotas.array, places.count > limit, Quotas.apply(to: submission.owner.uid) {
            throw QueueError.arrayTooLarge(jobs: places.count, most: limit)
        }
        let share = QuotaUsage.Share(of: template)
        try quotaUsage.admit(share * places.count, of: submission.owner.uid, settings.quotas)
        nextID += places.count
        let answer = Submitted(id: first, count: places.count, notices: notices + self.notices(about: template))
        var changes: [Change] = []
        changes.reserveCapacity(places.count + 1)
        for (offset, place) in places.enumerated() {
            var job = template
            job.id = first + offset
            job.array = place
            changes.append(.submitted(job, submission.document))
            quotaUsage.enter(job.id, share, of: job.owner.uid)
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
                // glibc would keep what it took. Once all who hold the changes have let go of them.
                if ids.count > 1000 { executor.eventLoop.whenIdle { trimMemory() } }
                continuation.resume(returning: error)
            }
            // Before the commit is there: both are on disk by the same one.
            dispatch()
        }
        if let error {
            for id in ids {
                quotaUsage.leave(id)
                leave(id)
            }
            throw QueueError.store(error)
        }
        log.info(
            "submitted",
            metadata: ["JOB_ID": "\(first)", "JOB_NAME": "\(spec.name)", "JOB_OWNER": "\(submission.owner.name)"])
        return answer
    }
}

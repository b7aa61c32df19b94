// SPDX-License-Identifier: Apache-2.0
import Cgroups
import JobModel
import JobStore
import Linux
import Queue
import Scheduler
import Supervisor

/// The end of an attempt: its record on disk first, then what follows from it.
extension Dispatcher {
    /// - Parameter prefix: what has to be on disk before its end.
    func ended(_ key: AttemptKey, _ record: Record, after prefix: [Change] = []) {
        CrashNote.about(key.job) { end(key, record, after: prefix) }
    }

    private func end(_ key: AttemptKey, _ record: Record, after prefix: [Change]) {
        let id = key.job
        if prepared[id]?.entry.key == key { return endedBeforeItsTurn(id) }
        // Not an earlier attempt's late end.
        guard let entry = running[id], entry.key == key else { return }
        running[id] = nil
        noteLength(record.usage.wallTimeUsec)
        feed.finishOutput(of: id)
        let at = now
        var changes = prefix
        changes.append(
            .attemptEnded(
                job: id, number: key.number, verdict: record.verdict,
                figures: AttemptFigures(
                    memoryPeakBytes: record.usage.memoryPeakBytes, cpuUsageUsec: record.usage.cpuUsageUsec,
                    wallTimeUsec: record.usage.wallTimeUsec, outputBytes: directory(of: key).outputBytes),
                // Its end, also where no daemon was there to see it.
                record: record.json.text(), at: min(record.endedAt ?? at, at)))
        log.info(
            "\(record.verdict.message)",
            metadata: [
                "JOB_ID": "\(id)", "JOB_ATTEMPT": "\(key.number)", "JOB_STATE": "\(record.verdict.state.rawValue)",
            ])
        // What is damaged does not start again.
        let next =
            entry.job.damage != nil
            ? .final
            : RetryRules.next(
                after: record.verdict, attempt: key.number, policy: entry.spec.scheduling.retry,
                memory: entry.spec.limits.memory)
        switch next {
        case .final:
            // At once, because the next job need not wait for the disk: its own start comes after this end there.
            scheduler.ended(id, as: record.verdict.state)
            ending[key] = Ended(entry: entry, changes: changes, next: .nothing)
        case .again(let pause, let memory):
            let job = another(of: entry, after: pause, memory: memory, at: at, &changes)
            ending[key] = Ended(entry: entry, changes: changes, next: .again(job))
        case .hold(let reason):
            changes.append(.changed(job: id, to: .held, cause: nil, detail: reason, at: at))
            ending[key] = Ended(entry: entry, changes: changes, next: .hold)
        }
        keep(key)
        dispatch()
    }

    /// The job as its next attempt has it.
    private func another(
        of entry: Running, after pause: Int, memory: ByteCount?, at: Timestamp, _ changes: inout [Change]
    ) -> StoredJob {
        var job = entry.job
        job.attempt = entry.number
        job.begin = pause > 0 ? Timestamp(microsecondsSinceEpoch: at.microsecondsSinceEpoch + pause) : nil
        if let memory {
            job.memoryLimitBytes = memory.bytes
            job.attemptsMax = max(job.attemptsMax, entry.number + 1)
            var fields: [JobField] = [.memoryLimitBytes(memory.bytes), .attemptsMax(job.attemptsMax)]
            // What was asked for apart from the limit stays.
            if entry.spec.scheduling.memoryRequest == nil {
                job.memoryRequestBytes = memory.bytes
                fields.append(.memoryRequestBytes(memory.bytes))
            }
            changes.append(.updated(job: job.id, fields, detail: "memory raised to \(memory)", at: at))
        }
        changes.append(.updated(job: job.id, [.begin(job.begin)], detail: nil, at: at))
        changes.append(
            .changed(
                job: job.id, to: .pending, cause: nil, detail: "attempt \(entry.number + 1) follows", at: at))
        return job
    }

    /// Puts an ended attempt's record on disk, and only then takes away what could make it again.
    func keep(_ key: AttemptKey) {
        guard let end = ending[key], !end.isWriting else { return }
        ending[key]?.isWriting = true
        commit(end.changes) { [self] error in
            guard ending[key] != nil else { return }
            if error?.isTheDisks == true {
                // It stays here until the disk takes it; nothing starts before.
                ending[key]?.isWriting = false
                return
            }
            ending[key] = nil
            if let error {
                log.error("\(error)", metadata: ["JOB_ID": "\(key.job)"])
                scheduler.ended(key.job, as: .failed)
            } else {
                if case .hold = end.next {} else { crashes.forget(key.job) }
                follow(end)
            }
            guard let remains = end.entry.attempt?.remains() else { return giveUp(key) }
            // Nobody waits for it.
            closing.append((key.job, remains))
            if closing.count == 1 { executor.eventLoop.whenIdle { [self] in assumeIsolated { $0.clearAway() } } }
        }
    }

    /// Clears the ended attempts away whose record is on disk, on a thread of its own: a cgroup may take a while to go.
    func clearAway() {
        let ended = closing
        closing = []
        clearing.async { [log] in
            for (job, remains) in ended {
                do throws(CgroupError) { try remains.clearAway() } catch {
                    log.error("\(error.description)", metadata: ["JOB_ID": "\(job)"])
                }
            }
        }
    }

    private func follow(_ end: Ended) {
        let id = end.entry.job.id
        noteEnd(end.changes)
        switch end.next {
        case .nothing: break
        case .again(let job):
            scheduler.requeue(
                id, notBefore: job.begin?.microsecondsSinceEpoch, request: Resources(of: job))
            dispatch()
        case .hold:
            scheduler.requeue(id)
            scheduler.hold(id)
            dispatch()
        }
    }
}

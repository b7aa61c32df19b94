// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import JobModel
import JobStore
import Linux
import Logging
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
        if table.ahead(id)?.key == key {
            apply(.endBeforeTurn(number: key.number), to: id)
            return
        }
        // Not an earlier attempt's late end.
        guard let entry = table.underWay(id), entry.key == key else { return }
        preparer.note(length: record.usage.wallTimeUsec)
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
        // A damaged job does not start again.
        let next =
            entry.job.damage != nil
            ? .final
            : RetryRules.next(
                after: record.verdict, attempt: key.number, policy: entry.spec.scheduling.retry,
                memory: entry.spec.limits.memory)
        let sequel: EndedAttempt<Attempt>.Sequel
        switch next {
        case .final:
            // At once, because the next job need not wait for the disk: its own start comes after this end there.
            scheduler.ended(id, as: record.verdict.state)
            sequel = .none
        case .again(let pause, let memory):
            sequel = .again(another(of: entry, after: pause, memory: memory, at: at, &changes))
        case .hold(let reason):
            changes.append(.changed(job: id, to: .held, cause: nil, detail: reason, at: at))
            sequel = .hold
        }
        apply(.end(EndedAttempt(attempt: entry, changes: changes, sequel: sequel)), to: id)
        dispatch()
    }

    /// The job as its next attempt has it.
    private func another(
        of entry: QueuedAttempt, after pause: Int, memory: ByteCount?, at: Timestamp, _ changes: inout [Change]
    ) -> StoredJob {
        var job = entry.job
        job.attempt = entry.number
        job.begin = pause > 0 ? Timestamp(microsecondsSinceEpoch: at.microsecondsSinceEpoch + pause) : nil
        if let memory {
            job.memoryLimitBytes = memory.bytes
            job.attemptsMax = max(job.attemptsMax, entry.number + 1)
            var fields: [JobField] = [.memoryLimitBytes(memory.bytes), .attemptsMax(job.attemptsMax)]
            // A request that was made apart from the limit stays.
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
    func write(_ ended: EndedAttempt<Attempt>) {
        let (id, number) = (ended.attempt.job.id, ended.attempt.number)
        commit(ended.changes) { [self] error in
            switch error {
            case nil: apply(.endWritten(number: number), to: id)
            // The end stays here until the disk takes it; nothing starts before.
            case let error? where error.isTheDisks: apply(.endDelayed(number: number), to: id)
            case let error?:
                guard apply(.endRefused(number: number), to: id) else { return }
                log.error("\(error)", metadata: ["JOB_ID": "\(id)"])
            }
        }
    }

    func follow(_ ended: EndedAttempt<Attempt>) {
        let id = ended.attempt.job.id
        if case .hold = ended.sequel {} else { crashes.forget(id) }
        noteEnd(ended.changes)
        switch ended.sequel {
        case .none: break
        case .again(let job):
            scheduler.requeue(
                id, notBefore: job.begin?.microsecondsSinceEpoch, request: Resources(of: job))
            dispatch()
        case .hold:
            scheduler.requeue(id)
            scheduler.hold(id)
            dispatch()
        }
        clearAway(ended.attempt)
    }

    func giveUp(_ ended: EndedAttempt<Attempt>) {
        scheduler.ended(ended.attempt.job.id, as: .failed)
        clearAway(ended.attempt)
    }

    private func clearAway(_ attempt: QueuedAttempt) {
        guard let remains = attempt.handle?.remains() else { return discardRemains(of: attempt.key) }
        guard clearing.add(remains, of: attempt.job.id) else { return }
        executor.eventLoop.whenIdle { [self] in assumeIsolated { $0.clearing.begin() } }
    }
}

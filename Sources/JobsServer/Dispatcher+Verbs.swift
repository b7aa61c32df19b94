// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Cgroups
import Glibc
import JobModel
import JobStore
import Queue
import Scheduler
import Supervisor

/// Orders about jobs: one request, one decision, one commit. It returns once that is on disk.
extension Dispatcher {
    func perform(_ order: Order, on words: [String], by requester: Requester) async throws -> OrderOutcome {
        try await perform(order, on: Selection.of(words, for: order.verb, by: requester, in: store), by: requester)
    }

    func perform(_ order: Order, on id: Int, by requester: Requester) async throws {
        guard let job = try store.job(id) else { throw QueueError.noSuchJob(id) }
        let outcome = try await perform(order, on: [Selection(job)], by: requester)
        if let refusal = outcome.refused.first { throw refusal }
    }

    private func perform(_ order: Order, on selections: [Selection], by requester: Requester) async throws
        -> OrderOutcome
    {
        var outcome = OrderOutcome()
        var steps: [Step] = []
        var seen: Set<Int> = []
        for selection in selections {
            var isOfNone = true
            for job in selection.jobs {
                // Named before by another word.
                guard seen.insert(job.id).inserted else {
                    isOfNone = false
                    continue
                }
                do throws(QueueError) {
                    guard let step = try step(order, job, isSingle: selection.isSingle, by: requester) else { continue }
                    table.lock(job.id)
                    steps.append(step)
                } catch { outcome.refused.append(error) }
                isOfNone = false
            }
            if selection.ids.isEmpty {
                outcome.refused.append(.noSuchJob(selection.reference))
            } else if isOfNone {
                outcome.refused.append(.noneApplies(selection.reference, order.verb))
            }
        }
        defer { for step in steps { table.unlock(step.id) } }
        // By now nothing that was named starts any more, so that the end of one does not make room for another.
        for step in steps where step.isEnd {
            do throws(QueueError) { try cancelRunning(step.id, order.immediately) } catch {
                outcome.refused.append(error)
            }
        }
        if case let changes = steps.flatMap(\.changes), !changes.isEmpty {
            if let error = await written(changes) {
                for step in steps { step.undo() }
                throw QueueError.store(error)
            }
            for step in steps { step.finish() }
            if order.verb == .cancel { noteEnd([]) }
        }
        outcome.changed = steps.filter { !$0.isEnd }.map(\.id)
        outcome.ending = steps.filter(\.isEnd).map(\.id)
        dispatch()
        return outcome
    }

    /// The rest of an order for one job; the part that nothing may come between is done already.
    private struct Step {
        var id: Int
        /// The job runs, and ends when it is asked to.
        var isEnd = false
        var changes: [Change] = []
        /// For when they do not get on disk.
        var undo: () -> Void = {}
        /// For when they are there.
        var finish: () -> Void = {}
    }

    /// - Returns: `nil` for a job that is passed over.
    private func step(
        _ order: Order, _ job: StoredJob, isSingle: Bool, by requester: Requester
    ) throws(QueueError) -> Step? {
        guard requester.mayTouch(job) else { throw .notYours(job) }
        if order.verb == .release || order.verb == .retry, requester.uid == 0, !requester.isRoot {
            try requireNoMore(than: job)
        }
        guard !table.isLocked(job.id) else {
            throw .changing(job: job.id)
        }
        let state = try state(of: job)
        guard isSingle || order.verb.states.contains(state) else { return nil }
        // Either would have it run.
        if order.verb == .release || order.verb == .retry, let damage = job.damage { throw .damaged(job, damage) }
        switch (order.verb, state) {
        case (.cancel, .pending), (.cancel, .held):
            return keepFromStarting(job, from: state, to: .cancelled, "cancelled by \(requester.name)") { [self] in
                leave(job.id)
            }
        case (.cancel, .running), (.cancel, .suspended): return Step(id: job.id, isEnd: true)
        case (.hold, .pending): return keepFromStarting(job, from: state, to: .held, "held by \(requester.name)") {}
        case (.release, .held): return release(job, memory: order.memoryBytes, by: requester)
        case (.suspend, .running): return try freeze(job, true, by: requester)
        case (.resume, .suspended): return try freeze(job, false, by: requester)
        case (.retry, _) where job.endedAt != nil && state.isFinal: return try retry(job, by: requester)
        default: throw .wrongState(job: job.id, state, order.verb)
        }
    }

    /// A job of root's has no more rights than by default, and could have changed the file that `job` runs.
    private func requireNoMore(than job: StoredJob) throws(QueueError) {
        guard let (_, document) = try? stored(job.id), let (spec, _) = try? texts.read(document, of: job),
            spec.isolation.settingsOfRoot.isEmpty, spec.user == nil, spec.group == nil
        else {
            throw .moreRights(job: job.id)
        }
    }

    /// After everything that was decided on this thread, of which the row that was read may not know yet.
    private func state(of job: StoredJob) throws(QueueError) -> JobState {
        let known = scheduler.state(of: job.id)
        if known == .running, table.underWay(job.id) == nil {
            throw .startingOrEnding(job: job.id)
        }
        do throws(StoreError) {
            // The row alone tells whether a running job is suspended.
            if known == .running { return try store.job(job.id)?.state == .suspended ? .suspended : .running }
            if let state = known ?? ledger.end(of: job.id) { return state }
            return try job.state.isFinal ? job.state : store.outcome(of: job.id) ?? job.state
        } catch { throw .store(error) }
    }

    private func keepFromStarting(
        _ job: StoredJob, from state: JobState, to end: JobState, _ detail: String, finish: @escaping () -> Void
    ) -> Step {
        let id = job.id
        scheduler.hold(id)
        takeBack(id)
        let cause: Cause? = end == .cancelled ? .cancelled : nil
        return Step(
            id: id, changes: [.changed(job: id, to: end, cause: cause, detail: detail, at: now)],
            undo: { [self] in if state == .pending { scheduler.release(id) } }, finish: finish)
    }

    private func freeze(_ job: StoredJob, _ frozen: Bool, by requester: Requester) throws(QueueError) -> Step {
        guard let attempt = table.underWay(job.id)?.handle else {
            throw .wrongState(job: job.id, job.state, frozen ? .suspend : .resume)
        }
        do throws(CgroupError) { try attempt.setSuspended(frozen) } catch { throw .backend(error.description) }
        let words = frozen ? "suspended by \(requester.name)" : "resumed by \(requester.name)"
        return Step(
            id: job.id,
            changes: [.changed(job: job.id, to: frozen ? .suspended : .running, cause: nil, detail: words, at: now)],
            undo: { try? attempt.setSuspended(!frozen) })
    }

    private func retry(_ job: StoredJob, by requester: Requester) throws(QueueError) -> Step {
        var job = job
        job.state = .pending
        job.begin = nil
        // Its dependencies were met once, or somebody wants it to run all the same.
        job.dependency = nil
        let share = QuotaUsage.Share(of: job)
        try quotaUsage.admit(share, of: job.owner.uid, settings.quotas)
        // Before it is on disk, so that many at once do not all find room.
        quotaUsage.enter(job.id, share, of: job.owner.uid)
        return Step(
            id: job.id,
            changes: [
                .changed(job: job.id, to: .pending, cause: nil, detail: "retried by \(requester.name)", at: now),
                .updated(job: job.id, [.begin(nil), .dependency(nil)], detail: nil, at: now),
            ], undo: { [self] in quotaUsage.leave(job.id) }, finish: { [self] in enqueue(job) })
    }

    /// With another memory limit if somebody gives one: after an out-of-memory at its ceiling nothing else would help.
    private func release(_ job: StoredJob, memory: Int?, by requester: Requester) -> Step {
        let id = job.id
        var changes: [Change] = []
        var request: Resources?
        if let memory {
            var job = job
            job.memoryRequestBytes = memory
            changes.append(
                .updated(
                    job: id, [.memoryLimitBytes(memory), .memoryRequestBytes(memory)],
                    detail: "memory set to \(ByteCount(memory)) by \(requester.name)", at: now))
            request = Resources(of: job)
        }
        changes.append(.changed(job: id, to: .pending, cause: nil, detail: "released by \(requester.name)", at: now))
        return Step(
            id: id, changes: changes,
            finish: { [self] in
                if let request { scheduler.setRequest(request, of: id) }
                crashes.forget(id)
                scheduler.release(id)
            })
    }

    private func cancelRunning(_ id: Int, _ immediately: Bool) throws(QueueError) {
        guard let entry = table.underWay(id) else { throw .hasEnded(job: id) }
        guard let attempt = entry.handle else {
            if cancelLookup(entry) { return }
            throw .hasEnded(job: id)
        }
        // A mark that a later daemon sees: it has to go on with the killing and must call it a cancellation.
        directory(of: entry.key).markCancelled()
        attempt.cancel(signal: SIGTERM)
        if immediately { attempt.cancel(signal: SIGTERM) }
    }
}

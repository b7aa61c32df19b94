// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import JobModel
import JobStore
import JobsAPI
import Scheduler
import Supervisor

/// What people do to jobs: one request, one decision, one commit. It returns once that is on disk.
extension Dispatcher {
    func perform(_ order: Order, on words: [String], by peer: Peer) async throws -> VerbOutcome {
        try await perform(order, on: Selection.of(words, for: order.verb, by: peer, in: store), by: peer)
    }

    func perform(_ order: Order, on id: Int, by peer: Peer) async throws {
        guard let job = try store.job(id) else { throw APIFailure.noSuchJob(id) }
        let outcome = try await perform(order, on: [Selection(job)], by: peer)
        if let refusal = outcome.refused.first { throw APIFailure(refusal.status, refusal.message) }
    }

    private func perform(_ order: Order, on selections: [Selection], by peer: Peer) async throws -> VerbOutcome {
        var outcome = VerbOutcome()
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
                do throws(APIFailure) {
                    guard let step = try step(order, job, isSingle: selection.isSingle, by: peer) else { continue }
                    changing.insert(job.id)
                    steps.append(step)
                } catch { outcome.refuse(error) }
                isOfNone = false
            }
            if selection.ids.isEmpty {
                outcome.refuse(.noSuchJob(selection.reference))
            } else if isOfNone {
                outcome.refuse(.none(of: selection.reference, order.verb))
            }
        }
        defer { for step in steps { changing.remove(step.id) } }
        // By now nothing that was named starts any more, so that the end of one does not make room for another.
        for step in steps where step.isEnd {
            do throws(APIFailure) { try cancelRunning(step.id, order.immediately) } catch { outcome.refuse(error) }
        }
        if case let changes = steps.flatMap(\.changes), !changes.isEmpty {
            if let error = await written(changes) {
                for step in steps { step.undo() }
                throw APIFailure.store(error)
            }
            for step in steps { step.finish() }
            if order.verb == .cancel { noteEnd([]) }
        }
        outcome.note(changed: steps.filter { !$0.isEnd }.map(\.id), ending: steps.filter(\.isEnd).map(\.id))
        dispatch()
        return outcome
    }

    /// What is to be done to one job; what nothing else may come between is done already.
    private struct Step {
        var id: Int
        /// It runs, and ends when it is asked to.
        var isEnd = false
        var changes: [Change] = []
        /// For when they do not get on disk.
        var undo: () -> Void = {}
        /// For when they are there.
        var finish: () -> Void = {}
    }

    /// - Returns: `nil` for a job that is passed over.
    private func step(
        _ order: Order, _ job: StoredJob, isSingle: Bool, by peer: Peer
    ) throws(APIFailure) -> Step? {
        guard peer.mayTouch(job) else { throw .notYours(job) }
        if order.verb == .release || order.verb == .retry, peer.uid == 0, !peer.isRoot { try requireNoMore(than: job) }
        guard !changing.contains(job.id) else {
            throw APIFailure(409, "somebody is changing job \(job.id) at this moment; ask again")
        }
        let state = try state(of: job)
        guard isSingle || order.verb.states.contains(state) else { return nil }
        // Either would have it run.
        if order.verb == .release || order.verb == .retry, let damage = job.damage { throw .damaged(job, damage) }
        switch (order.verb, state) {
        case (.cancel, .pending), (.cancel, .held):
            return keepFromStarting(job, from: state, to: .cancelled, "cancelled by \(peer.name)") { [self] in
                scheduler.ended(job.id, as: .cancelled)
            }
        case (.cancel, .running), (.cancel, .suspended): return Step(id: job.id, isEnd: true)
        case (.hold, .pending): return keepFromStarting(job, from: state, to: .held, "held by \(peer.name)") {}
        case (.release, .held): return release(job, memory: order.memoryBytes, by: peer)
        case (.suspend, .running): return try freeze(job, true, by: peer)
        case (.resume, .suspended): return try freeze(job, false, by: peer)
        case (.retry, _) where job.endedAt != nil && state.isFinal: return try retry(job, by: peer)
        default: throw .wrongState(job.id, state, order.verb)
        }
    }

    /// A job of root's has no more rights than by default, and could have changed the file that `job` runs.
    private func requireNoMore(than job: StoredJob) throws(APIFailure) {
        guard let (_, document) = try? stored(job.id), let (spec, _) = try? read(document, of: job),
            spec.isolation.settingsOfRoot.isEmpty, spec.user == nil, spec.group == nil
        else {
            throw APIFailure(
                403,
                "job \(job.id) has more rights than the job from inside of which this comes; ask from outside of jobs")
        }
    }

    /// After everything that was decided on this thread, of which the row that was read may not know yet.
    private func state(of job: StoredJob) throws(APIFailure) -> JobState {
        let known = scheduler.state(of: job.id)
        if known == .running, running[job.id] == nil {
            throw APIFailure(409, "job \(job.id) is just starting or ending; ask again")
        }
        do throws(StoreError) {
            // The row alone tells whether a running job is suspended.
            if known == .running { return try store.job(job.id)?.state == .suspended ? .suspended : .running }
            if let state = known ?? settling[job.id] { return state }
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

    private func freeze(_ job: StoredJob, _ frozen: Bool, by peer: Peer) throws(APIFailure) -> Step {
        guard let attempt = running[job.id]?.attempt else {
            throw .wrongState(job.id, job.state, frozen ? .suspend : .resume)
        }
        do throws(CgroupError) { try attempt.setSuspended(frozen) } catch { throw APIFailure(503, error.description) }
        let words = frozen ? "suspended by \(peer.name)" : "resumed by \(peer.name)"
        return Step(
            id: job.id,
            changes: [.changed(job: job.id, to: frozen ? .suspended : .running, cause: nil, detail: words, at: now)],
            undo: { try? attempt.setSuspended(!frozen) })
    }

    private func retry(_ job: StoredJob, by peer: Peer) throws(APIFailure) -> Step {
        var job = job
        job.state = .pending
        job.begin = nil
        // Its dependencies were met once, or somebody wants it to run all the same.
        job.dependency = nil
        let share = Ledger.Share(of: job)
        try ledger.admit(share, of: job.owner.uid, settings.quotas)
        // Before it is on disk, so that many at once do not all find room.
        ledger.enter(job.id, share, of: job.owner.uid)
        return Step(
            id: job.id,
            changes: [
                .changed(job: job.id, to: .pending, cause: nil, detail: "retried by \(peer.name)", at: now),
                .updated(job: job.id, [.begin(nil), .dependency(nil)], detail: nil, at: now),
            ], undo: { [self] in ledger.leave(job.id) }, finish: { [self] in enqueue(job) })
    }

    /// With another memory limit if somebody gives one: after an out-of-memory at its ceiling nothing else would help.
    private func release(_ job: StoredJob, memory: Int?, by peer: Peer) -> Step {
        let id = job.id
        var changes: [Change] = []
        var request: Resources?
        if let memory {
            var job = job
            job.memoryRequestBytes = memory
            changes.append(
                .updated(
                    job: id, [.memoryLimitBytes(memory), .memoryRequestBytes(memory)],
                    detail: "memory set to \(ByteCount(memory)) by \(peer.name)", at: now))
            request = Self.resources(of: job)
        }
        changes.append(.changed(job: id, to: .pending, cause: nil, detail: "released by \(peer.name)", at: now))
        return Step(
            id: id, changes: changes,
            finish: { [self] in
                if let request { scheduler.setRequest(request, of: id) }
                crashes.forget(id)
                scheduler.release(id)
            })
    }

    private func cancelRunning(_ id: Int, _ immediately: Bool) throws(APIFailure) {
        guard let entry = running[id] else { throw APIFailure(409, "job \(id) has ended") }
        guard let attempt = entry.attempt else {
            if cancelLookup(entry) { return }
            throw APIFailure(409, "job \(id) has ended")
        }
        // A mark that a later daemon sees: it has to go on with the killing and must call it a cancellation.
        directory(of: entry.key).markCancelled()
        attempt.cancel(signal: SIGTERM)
        if immediately { attempt.cancel(signal: SIGTERM) }
    }
}

extension VerbOutcome {
    fileprivate mutating func refuse(_ failure: APIFailure) {
        refuse(Refusal(status: failure.status, message: failure.message))
    }
}

extension APIFailure {
    fileprivate static func none(of reference: JobReference, _ verb: Order.Verb) -> APIFailure {
        APIFailure(409, "none of '\(reference)' can be \(verb.participle) now; `jobs status \(reference)` shows them")
    }
}

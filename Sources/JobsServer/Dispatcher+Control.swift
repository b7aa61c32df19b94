// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import JobModel
import JobStore
import JobsAPI
import Linux
import Scheduler
import Supervisor
import SystemPackage

/// What people do to a job. Each returns once it is on disk.
extension Dispatcher {
    package enum Verb: String, Sendable, CaseIterable {
        case cancel, hold, release, suspend, resume, retry
    }

    func perform(_ order: Order, on id: Int, by peer: Peer) async throws {
        let verb = order.verb
        guard changing.insert(id).inserted else {
            throw APIFailure(409, "somebody is changing job \(id) at this moment; ask again")
        }
        defer { changing.remove(id) }
        guard let job = try store.job(id) else { throw APIFailure.noSuchJob(id) }
        guard peer.mayTouch(job) else { throw APIFailure.notYours(job) }
        // The row may be older than what just happened on this thread.
        let state = running[id] != nil && !job.state.isLiveAttempt ? JobState.running : job.state
        // What nothing else may come between happens before it is on disk, and is taken back if it does not get there.
        switch (verb, state) {
        case (.cancel, .pending), (.cancel, .held):
            scheduler.hold(id)
            takeBack(id)
            try await change(id, to: .cancelled, "cancelled by \(peer.name)") { [self] in
                if state == .pending { scheduler.release(id) }
            }
            scheduler.ended(id, as: .cancelled)
            noteEnd([])
        case (.cancel, .running), (.cancel, .suspended): try cancelRunning(id, order.immediately)
        case (.hold, .pending):
            scheduler.hold(id)
            takeBack(id)
            try await change(id, to: .held, "held by \(peer.name)") { [self] in scheduler.release(id) }
        case (.release, .held): try await release(job, memory: order.memoryBytes, by: peer)
        case (.suspend, .running): try await freeze(job, true, by: peer)
        case (.resume, .suspended): try await freeze(job, false, by: peer)
        case (.retry, _) where job.endedAt != nil && running[id] == nil: try await retry(job, by: peer)
        default: throw APIFailure.wrongState(job, verb.rawValue)
        }
        dispatch()
    }

    private func freeze(_ job: StoredJob, _ frozen: Bool, by peer: Peer) async throws {
        guard let attempt = running[job.id]?.attempt else {
            throw APIFailure.wrongState(job, (frozen ? Verb.suspend : .resume).rawValue)
        }
        do throws(CgroupError) { try attempt.setSuspended(frozen) } catch { throw APIFailure(503, error.description) }
        let words = frozen ? "suspended by \(peer.name)" : "resumed by \(peer.name)"
        try await change(job.id, to: frozen ? .suspended : .running, words) { try? attempt.setSuspended(!frozen) }
    }

    private func retry(_ job: StoredJob, by peer: Peer) async throws {
        var job = job
        job.state = .pending
        job.begin = nil
        // Its dependencies were met once, or somebody wants it to run all the same.
        job.dependency = nil
        let changes: [Change] = [
            .changed(job: job.id, to: .pending, cause: nil, detail: "retried by \(peer.name)", at: now),
            .updated(job: job.id, [.begin(nil), .dependency(nil)], detail: nil, at: now),
        ]
        if let error = await written(changes) { throw APIFailure.store(error) }
        scheduler.submit(Self.entry(of: job)) { _ in nil }
    }

    /// With another memory limit if somebody gives one: after an out-of-memory at its ceiling nothing else would help.
    private func release(_ job: StoredJob, memory: Int?, by peer: Peer) async throws {
        var changes: [Change] = []
        var request: Resources?
        if let memory {
            var job = job
            job.memoryRequestBytes = memory
            changes.append(
                .updated(
                    job: job.id, [.memoryLimitBytes(memory), .memoryRequestBytes(memory)],
                    detail: "memory set to \(ByteCount(memory)) by \(peer.name)", at: now))
            request = Self.resources(of: job)
        }
        changes.append(
            .changed(job: job.id, to: .pending, cause: nil, detail: "released by \(peer.name)", at: now))
        if let error = await written(changes) { throw APIFailure.store(error) }
        if let request { scheduler.setRequest(request, of: job.id) }
        scheduler.release(job.id)
    }

    private func cancelRunning(_ id: Int, _ immediately: Bool) throws {
        guard let entry = running[id], let attempt = entry.attempt else {
            throw APIFailure(409, "job \(id) has ended")
        }
        // A mark that a later daemon sees: it has to go on with the killing and must call it a cancellation.
        directory(of: entry.key).markCancelled()
        attempt.cancel(signal: SIGTERM)
        if immediately { attempt.cancel(signal: SIGTERM) }
    }

    /// - Parameter takeBack: undoes what happened before, when it does not get on disk.
    private func change(
        _ id: Int, to state: JobState, _ detail: String, takeBack: () -> Void
    ) async throws {
        let cause: Cause? = state == .cancelled ? .cancelled : nil
        if let error = await written([.changed(job: id, to: state, cause: cause, detail: detail, at: now)]) {
            takeBack()
            throw APIFailure.store(error)
        }
    }

    /// Whether new attempts may start; those that run go on.
    func setDraining(_ draining: Bool) throws {
        try set { $0.isDraining = draining }
        scheduler.isDraining = draining || storeTrouble != nil
        if draining { takeBackAll() }
        statusChanged()
        dispatch()
    }

    private func set(_ change: (inout QueueSettings) -> Void) throws(APIFailure) {
        var wishes = wishes
        change(&wishes)
        do throws(Errno) { try wishes.write(settings.stateDirectory) } catch {
            throw APIFailure(503, "cannot write the settings in \(settings.stateDirectory): \(error)")
        }
        self.wishes = wishes
    }

    func setParallel(_ parallel: Int?, ofGroup name: String) throws {
        try set { $0.groups[name] = parallel }
        scheduler.setParallel(parallel, ofGroup: name)
        dispatch()
    }
}

/// A verb with what was said beside it.
struct Order: Sendable {
    var verb: Dispatcher.Verb
    /// `cancel`: without a grace period.
    var immediately = false
    /// `release`: the limit of the next attempt.
    var memoryBytes: Int?

    init(_ verb: Dispatcher.Verb, _ body: JSON?) throws(APIFailure) {
        self.verb = verb
        guard let body else { return }
        guard let members = body.objectValue else { throw APIFailure(400, "expected an object") }
        for member in members {
            switch (verb, member.key) {
            case (.cancel, "now"):
                guard let now = member.value.boolValue else { throw APIFailure(400, "now must be true or false") }
                immediately = now
            case (.release, "memory_bytes"):
                guard let bytes = member.value.intValue, bytes > 0 else {
                    throw APIFailure(400, "memory_bytes must be a whole number above 0")
                }
                memoryBytes = bytes
            default: throw APIFailure(400, "'\(verb.rawValue)' takes no '\(member.key)'")
            }
        }
    }
}

extension JobState {
    var isLiveAttempt: Bool { self == .running || self == .suspended }
}

extension Peer {
    func mayTouch(_ job: StoredJob) -> Bool { uid == 0 || uid == job.owner.uid }
}

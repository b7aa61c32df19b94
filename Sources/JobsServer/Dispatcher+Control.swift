// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import JobModel
import JobStore
import JobsAPI
import Linux
import Scheduler
import Supervisor

/// What people do to a job. Each returns once it is on disk.
extension Dispatcher {
    package enum Verb: String, Sendable, CaseIterable {
        case cancel, hold, release, suspend, resume, retry
    }

    func perform(_ verb: Verb, on id: Int, by peer: Peer, now immediately: Bool = false) async throws {
        guard let job = try store.job(id) else { throw APIFailure.noSuchJob(id) }
        guard peer.mayTouch(job) else { throw APIFailure.notYours(job) }
        // The row may be older than what just happened on this thread.
        let state = running[id] != nil && !job.state.isLiveAttempt ? JobState.running : job.state
        switch (verb, state) {
        case (.cancel, .pending), (.cancel, .held):
            try await change(id, to: .cancelled, "cancelled by \(peer.name)") { [self] in
                scheduler.ended(id, as: .cancelled)
            }
        case (.cancel, .running), (.cancel, .suspended): try cancelRunning(id, immediately)
        case (.hold, .pending):
            try await change(id, to: .held, "held by \(peer.name)") { [self] in scheduler.hold(id) }
        case (.release, .held):
            try await change(id, to: .pending, "released by \(peer.name)") { [self] in scheduler.release(id) }
        case (.suspend, .running):
            guard let attempt = running[id]?.attempt else { throw APIFailure.wrongState(job, verb.rawValue) }
            do throws(CgroupError) { try attempt.setSuspended(true) } catch { throw APIFailure(503, error.description) }
            try await change(id, to: .suspended, "suspended by \(peer.name)") {}
        case (.resume, .suspended):
            guard let attempt = running[id]?.attempt else { throw APIFailure.wrongState(job, verb.rawValue) }
            do throws(CgroupError) { try attempt.setSuspended(false) } catch {
                throw APIFailure(503, error.description)
            }
            try await change(id, to: .running, "resumed by \(peer.name)") {}
        case (.retry, _) where job.endedAt != nil && running[id] == nil:
            try await change(id, to: .pending, "retried by \(peer.name)") { [self] in
                var job = job
                job.state = .pending
                job.begin = nil
                // Its dependencies were met once, or somebody wants it to run all the same.
                job.dependency = nil
                scheduler.submit(Self.entry(of: job)) { _ in nil }
            }
        default: throw APIFailure.wrongState(job, verb.rawValue)
        }
        dispatch()
    }

    private func cancelRunning(_ id: Int, _ immediately: Bool) throws {
        guard let entry = running[id], let attempt = entry.attempt else {
            throw APIFailure(409, "job \(id) has ended")
        }
        // A mark that a later daemon sees: it has to go on with the killing and must call it a cancellation.
        directory(of: id, attempt: entry.number).markCancelled()
        attempt.cancel(signal: SIGTERM)
        if immediately { attempt.cancel(signal: SIGTERM) }
    }

    private func change(_ id: Int, to state: JobState, _ detail: String, effect: () -> Void) async throws {
        effect()
        let cause: Cause? = state == .cancelled ? .cancelled : nil
        let error = await withCheckedContinuation { (continuation: CheckedContinuation<StoreError?, Never>) in
            commit([.changed(job: id, to: state, cause: cause, detail: detail, at: now)]) {
                continuation.resume(returning: $0)
            }
        }
        if let error { throw APIFailure.store(error) }
    }

    /// Whether new attempts may start; those that run go on.
    package func setDraining(_ draining: Bool) {
        isDrainingAsked = draining
        scheduler.isDraining = draining || storeTrouble != nil
        statusChanged()
        dispatch()
    }

    func setParallel(_ parallel: Int?, ofGroup name: String) throws {
        groups[name] = parallel
        do { try GroupFile.write(groups, settings.stateDirectory) } catch {
            throw APIFailure(503, "cannot write \(settings.stateDirectory)/groups.json: \(error)")
        }
        scheduler.setParallel(parallel, ofGroup: name)
        dispatch()
    }
}

extension JobState {
    var isLiveAttempt: Bool { self == .running || self == .suspended }
}

extension Peer {
    func mayTouch(_ job: StoredJob) -> Bool { uid == 0 || uid == job.owner.uid }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel

/// A job's life in here: in by submission or adoption, out by its end, and what people do to it in between.
extension Scheduler {
    /// Takes a job into the queue.
    ///
    /// - Parameter endings: what is known of jobs that are not in here because they have ended. The jobs that it waits for
    ///   come in before it, also after a restart.
    /// - Precondition: the id is not in here already.
    package mutating func submit(_ entry: Entry, endings: (ClosedRange<Int>) -> Endings) {
        var status: Status = entry.held ? .held : []
        switch depend(entry, endings) {
        case .met: break
        case .waiting: status.insert(.dependencies)
        case .impossible(let reason):
            status.insert(.dependencies)
            impossible[entry.id] = reason
        }
        if let begin = entry.begin { status.insert(.begin); setBegin(begin, of: entry.id) }
        add(entry)
        setStatus(status, of: entry.id)
    }

    /// Apart from ``submit(_:endings:)``, so that the closure's copy of the table is gone when the job is added: the table of
    /// all jobs would be copied for each one.
    private mutating func depend(
        _ entry: Entry, _ endings: (ClosedRange<Int>) -> Endings
    ) -> Prerequisites.Outcome {
        let live = { [jobs] (ids: ClosedRange<Int>) in
            ids.count < jobs.count ? ids.count { jobs[$0] != nil } : jobs.keys.count { ids.contains($0) }
        }
        return prerequisites.add(entry.id, entry.dependencies, live: live, endings: endings)
    }

    /// Takes in a job that was found running after a restart, no matter whether there is room for it.
    ///
    /// - Precondition: the id is not in here already.
    package mutating func adopt(_ entry: Entry, startedAt: Int) {
        add(entry)
        start(entry.id, at: startedAt)
    }

    /// Forgets a job that has ended, whether it ran or not, and tells those that depend on it.
    package mutating func ended(_ id: Int, as state: JobState) {
        guard let job = jobs[id] else { return }
        if job.status.contains(.running) { stop(id) } else { setStatus(.held, of: id) }
        jobs[id] = nil
        setBegin(nil, of: id)
        prerequisites.forget(id)
        impossible[id] = nil
        queue.leave(job.kind)
        for (dependent, outcome) in prerequisites.ended(id, as: state) {
            switch outcome {
            case .met: clear(.dependencies, of: dependent)
            case .impossible(let reason): impossible[dependent] = reason
            case .waiting: break
            }
        }
    }

    /// Puts a running job back into its place in the queue, for another attempt.
    ///
    /// - Parameter request: what the next attempt is counted with, if that is something else.
    package mutating func requeue(_ id: Int, notBefore begin: Int? = nil, request: Resources? = nil) {
        guard let job = jobs[id], job.status.contains(.running) else { return }
        stop(id)
        if let request { replaceRequest(request, of: id, job) }
        setBegin(begin, of: id)
        setStatus(begin == nil ? [] : .begin, of: id)
    }

    /// Keeps a pending job from starting until it is released.
    package mutating func hold(_ id: Int) {
        guard let status = jobs[id]?.status, !status.contains(.running) else { return }
        setStatus(status.union(.held), of: id)
    }

    /// Undoes ``hold(_:)``, or that the job was submitted as held.
    package mutating func release(_ id: Int) { clear(.held, of: id) }

    /// Counts a job that does not run with something else.
    package mutating func setRequest(_ request: Resources, of id: Int) {
        guard let job = jobs[id], !job.status.contains(.running) else { return }
        setStatus(job.status.union(.held), of: id)
        replaceRequest(request, of: id, job)
        setStatus(job.status, of: id)
    }

    /// Moves a job in the order; a running one for its next attempt.
    package mutating func setPriority(_ priority: Int, of id: Int) {
        guard let job = jobs[id], job.priority != priority else { return }
        if job.status.contains(.running), let allocation = allocation(of: id) {
            machine.release(allocation)
            jobs[id]?.priority = priority
            machine.allocate(
                Allocation(rank: Rank(priority: priority, id: id), allocation.request, end: allocation.end))
            isSettled = false
        } else {
            setStatus(job.status.union(.held), of: id)
            jobs[id]?.priority = priority
            setStatus(job.status, of: id)
        }
    }

    // MARK: Steps

    private mutating func add(_ entry: Entry) {
        precondition(jobs[entry.id] == nil, "job \(entry.id) is queued twice")
        let kind = Kind(
            request: entry.request, wallTimeUsec: entry.wallTimeUsec, group: entry.group, array: entry.array?.id)
        let index = queue.join(kind, arrayParallel: entry.array?.parallel)
        prerequisites.entered(entry.id)
        // Not ready until its status is set.
        jobs[entry.id] = Job(priority: entry.priority, kind: index, status: .held)
    }

    private mutating func replaceRequest(_ request: Resources, of id: Int, _ job: Job) {
        var kind = queue.kind(job.kind)
        kind.request = request
        // Joined before the old one is left, so that an array never is without a kind.
        jobs[id]?.kind = queue.join(kind, arrayParallel: nil)
        queue.leave(job.kind)
    }

    mutating func start(_ id: Int, at now: Int) {
        setStatus(.running, of: id)
        starts[id] = now
        guard let job = jobs[id], let allocation = allocation(of: id) else { return }
        machine.allocate(allocation)
        queue.count(1, running: job.kind)
    }

    private mutating func stop(_ id: Int) {
        guard let job = jobs[id], let allocation = allocation(of: id) else { return }
        machine.release(allocation)
        queue.count(-1, running: job.kind)
        starts[id] = nil
        isSettled = false
    }

    /// What a running job holds.
    private func allocation(of id: Int) -> Allocation? {
        guard let job = jobs[id], let start = starts[id] else { return nil }
        let kind = queue.kind(job.kind)
        return Allocation(
            rank: Rank(priority: job.priority, id: id), kind.request,
            end: Reservation.end(of: kind.wallTimeUsec, from: start))
    }

    mutating func setBegin(_ begin: Int?, of id: Int) {
        if let old = begins.removeValue(forKey: id) { beginsInOrder.remove(Appointment(time: old, id: id)) }
        guard let begin else { return }
        begins[id] = begin
        beginsInOrder.insert(Appointment(time: begin, id: id))
    }

    mutating func clear(_ obstacle: Status, of id: Int) {
        guard let status = jobs[id]?.status else { return }
        setStatus(status.subtracting(obstacle), of: id)
    }

    /// Moves the job into the ready queue or out of it if that follows.
    private mutating func setStatus(_ status: Status, of id: Int) {
        guard let job = jobs[id], job.status != status else { return }
        jobs[id]?.status = status
        let rank = Rank(priority: job.priority, id: id)
        if job.status.isEmpty {
            queue.remove(rank, job.kind)
            isSettled = false
        } else if status.isEmpty, queue.insert(rank, job.kind) {
            isSettled = false
        }
    }
}

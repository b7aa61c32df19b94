// SPDX-License-Identifier: Apache-2.0

extension Scheduler {
    /// Why a job is pending; `nil` if it runs or is not in here.
    ///
    /// Of several reasons the one that has to go first: what a person said, then what other jobs and the calendar say, then
    /// limits, then room.
    package func reason(for id: Int, now: Int) -> WaitReason? {
        guard let job = jobs[id], !job.status.contains(.running) else { return nil }
        if let reason = impossible[id] { return .impossible(reason) }
        if job.status.contains(.held) { return .held }
        if job.status.contains(.dependencies) { return .dependencies(openTerms(of: id)) }
        if let begin = begins[id] { return .begins(at: begin) }
        if isDraining { return .draining }
        return reasonOfLimits(job) ?? reasonOfRoom(id, job, now: now)
    }

    private func openTerms(of id: Int) -> [WaitReason.OpenTerms] {
        let listed = 8
        return (prerequisites.alternatives(of: id) ?? []).compactMap { alternative in
            guard let open = alternative.open else { return nil }
            let terms = alternative.terms.lazy.filter { prerequisites.isOpen($0) }.prefix(listed)
            return WaitReason.OpenTerms(terms: Array(terms), more: max(0, open - listed))
        }
    }

    private func reasonOfLimits(_ job: Job) -> WaitReason? {
        let kind = queue.kind(job.kind)
        if !kind.request.fits(in: capacity) { return .tooLarge(request: kind.request, capacity: capacity) }
        let group = queue.group(of: job.kind)
        if group.isFull, let parallel = group.parallel {
            return .group(kind.group, running: group.running, parallel: parallel)
        }
        if let id = kind.array, let array = queue.array(of: job.kind), array.isFull {
            return .array(id, running: array.running, parallel: array.parallel)
        }
        return nil
    }

    /// After a decision, whatever is before the head in the order has started.
    private func reasonOfRoom(_ id: Int, _ job: Job, now: Int) -> WaitReason {
        guard let front = queue.first() else { return .due }
        let head = queue.kind(front.kind)
        let free = machine.free
        guard !head.request.fits(in: free) else { return .due }
        guard front.rank.id == id || queue.kind(job.kind).request.fits(in: free) else {
            return .behind(job: front.rank.id, request: head.request, free: free)
        }
        var reservation = machine.reservation(for: front.rank, head.request, now: now)
        if front.rank.id == id {
            let last = reservation.lastToEnd.flatMap { job in
                reservation.shadow.map { WaitReason.LastToEnd(job: job, time: $0) }
            }
            return .resources(request: head.request, free: free, last: last)
        }
        let kind = queue.kind(job.kind)
        let mayStart = reservation.admit(kind.request, wallTimeUsec: kind.wallTimeUsec, now: now)
        return mayStart
            ? .behind(job: front.rank.id, request: head.request, free: free)
            : .wouldDelay(job: front.rank.id, startsBy: reservation.shadow)
    }
}

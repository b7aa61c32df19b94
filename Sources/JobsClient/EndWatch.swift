// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI

/// What somebody who waits for jobs hears.
public enum WaitNews: Sendable {
    /// A job as it is now: each once at first, then whenever its state changed.
    case job(JobView)
    case live(LiveUsage)
    /// The daemon went away, or is back.
    case absence(JobsClient.Absence)
}

extension JobsClient {
    /// Calls `changed` for every change and, of running jobs, twice a second, through restarts, until the task is cancelled.
    public func watch(_ changed: @escaping @Sendable () -> Void) async throws(ClientError) {
        try await throughRestarts { absence in
            await hear(absence)
        } attempt: { () throws(ClientError) in
            try await follow(live: true) { _ -> Void? in
                changed()
                return nil
            }
        }
    }

    /// Waits until all of the jobs have ended, or with `any` until the first has.
    ///
    /// The daemon may be restarted meanwhile: jobs go on without it, and so does the waiting.
    ///
    /// - Returns: the jobs that ended, in the order of `ids`.
    public func waitForEnd(
        of ids: [Int], any: Bool = false, live: Bool = false,
        _ hear: @escaping @Sendable (WaitNews) async -> Void = { _ in }
    ) async throws(ClientError) -> [JobView] {
        // A question that finds nobody is the end of the stream, too, which is what goes through restarts.
        var asking = self
        asking.outlasts = false
        let watch = EndWatch(ids: ids, any: any, client: asking, hear: hear)
        return try await throughRestarts { absence in
            await hear(.absence(absence))
        } attempt: { () throws(ClientError) in
            try await follow(jobs: ids, live: live) { event in try await watch.take(event) }
        }
    }

    /// Waits until the job has begun, or has ended without that.
    public func waitForStart(of id: Int) async throws(ClientError) -> JobView {
        try await throughRestarts { absence in
            await hear(absence)
        } attempt: { () throws(ClientError) in
            try await follow(jobs: [id]) { event -> JobView? in
                if case .live = event { return nil }
                let job = try await self.job(id)
                return job.state.isLive && job.attempt == 0 ? nil : job
            }
        }
    }
}

/// Which of the jobs that somebody waits for have ended.
private actor EndWatch {
    private let ids: [Int]
    private let any: Bool
    private let client: JobsClient
    private let hear: @Sendable (WaitNews) async -> Void
    private var waiting: [Int: JobView] = [:]
    private var ended: [Int: JobView] = [:]

    init(ids: [Int], any: Bool, client: JobsClient, hear: @escaping @Sendable (WaitNews) async -> Void) {
        self.ids = ids
        self.any = any
        self.client = client
        self.hear = hear
    }

    /// The result once there is one.
    func take(_ event: JobEvent) async throws(ClientError) -> [JobView]? {
        switch event {
        case .began:
            // After every reconnection, too: what happened in between was told to nobody.
            var query = JobQuery()
            query.ids = IDSet(ids.filter { ended[$0] == nil }).description
            for job in try await client.jobs(query) { await note(job) }
            if let missing = ids.first(where: { waiting[$0] == nil && ended[$0] == nil }) {
                throw .refused(status: 404, message: "there is no job \(missing)")
            }
        case .state(let change):
            guard var job = waiting[change.job] else { return nil }
            if change.state.isLive {
                job.apply(change)
                await note(job)
            } else {
                // Its figures and its exit code are not in the event.
                await note(try await client.job(change.job))
            }
        case .live(let usage): if let job = usage.job, waiting[job] != nil { await hear(.live(usage)) }
        }
        return isOver ? ids.compactMap { ended[$0] } : nil
    }

    private var isOver: Bool { any ? !ended.isEmpty : ended.count == ids.count }

    private func note(_ job: JobView) async {
        if job.state.isLive {
            waiting[job.id] = job
        } else {
            waiting[job.id] = nil
            ended[job.id] = job
        }
        await hear(.job(job))
    }
}

extension JobView {
    /// What the change tells, until the job is asked for again.
    public mutating func apply(_ change: StateChange) {
        state = change.state
        attempt = change.attempt ?? attempt
        reason = change.state == .running ? nil : change.detail ?? reason
        if change.state == .running, startedAt == nil || change.attempt != nil { startedAt = change.at }
    }
}

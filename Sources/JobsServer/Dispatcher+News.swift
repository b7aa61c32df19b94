// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import JobsAPI
import Queue

/// The followers of changes, which hear of them once they are on disk.
extension Dispatcher {
    /// State changes from now on, and a tick every so many µs; for as long as the result is kept.
    ///
    /// The timer is the loop's and no `Task.sleep`, which would wake libdispatch's shared pool; see CLanes.h.
    func follow(tickEvery microseconds: Int) -> ChangeFeed.Follower {
        let follower = feed.follow { [self] timer in
            guard let timer else { return }
            executor.post { self.assumeIsolated { $0.clock.cancel(timer) } }
        }
        tick(follower.id, every: microseconds)
        return follower
    }

    private func tick(_ id: Int, every microseconds: Int) {
        let timer = clock.after(microseconds) { [self] in
            feed.tick(id)
            tick(id, every: microseconds)
        }
        if !feed.setTimer(timer, of: id) { clock.cancel(timer) }
    }

    func announce(_ changes: [Change]) {
        guard feed.announce(changes) else { return }
        executor.eventLoop.atTurnsEnd { [feed] in feed.publish() }
    }

    /// Ends what would keep connections open for ever. Running attempts run on.
    package func endStreams() {
        isStopping = true
        feed.finish()
    }
}

extension StateChange {
    init?(_ change: Change) {
        switch change {
        case .submitted(let job, _):
            self.init(
                job: job.id, at: job.submittedAt.description, state: job.state, cause: nil, attempt: nil, detail: nil)
        case .attemptStarted(let job, let number, _, _, let at):
            self.init(job: job, at: at.description, state: .running, cause: nil, attempt: number, detail: nil)
        case .attemptEnded(let job, let number, let verdict, _, _, let at):
            self.init(
                job: job, at: at.description, state: verdict.state, cause: verdict.cause.rawValue, attempt: number,
                detail: verdict.message)
        case .changed(let job, let state, let cause, let detail, let at):
            self.init(
                job: job, at: at.description, state: state, cause: cause?.rawValue, attempt: nil, detail: detail)
        case .keyed, .attemptPlaced, .updated, .removed: return nil
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import JobsAPI

/// Who hears of changes, once they are on disk.
extension Dispatcher {
    /// State changes from now on, until the stream is dropped; those that got on disk at about the same time
    /// come together.
    package func changes() -> AsyncStream<[StateChange]> {
        let id = nextWatcher
        nextWatcher += 1
        let (stream, continuation) = AsyncStream.makeStream(
            of: [StateChange].self, bufferingPolicy: .bufferingNewest(4096))
        if isStopping { continuation.finish() }
        watchers[id] = continuation
        continuation.onTermination = { [self] _ in
            executor.post { self.assumeIsolated { _ = $0.watchers.removeValue(forKey: id) } }
        }
        return stream
    }

    /// Something every so many µs, until the stream is dropped. In place of `Task.sleep`, which would wake libdispatch's
    /// shared pool; see CLanes.h.
    func ticks(every microseconds: Int) throws -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let timer = try again(every: microseconds) { continuation.yield() }
        continuation.onTermination = { [executor] _ in
            executor.post { executor.eventLoop.forget(timer.descriptor.rawValue) }
        }
        return stream
    }

    func announce(_ changes: [Change]) {
        guard !watchers.isEmpty else { return }
        if news.isEmpty { executor.eventLoop.atTurnsEnd { [self] in assumeIsolated { $0.tellWatchers() } } }
        news += changes.compactMap { StateChange($0) }
    }

    private func tellWatchers() {
        var rest = news[...]
        news = []
        while !rest.isEmpty {
            // What is kept for a reader that does not read is counted in these.
            let batch = Array(rest.prefix(16))
            rest = rest.dropFirst(16)
            for (id, watcher) in watchers {
                // Whoever is that far behind would miss something. An end is what it hears: it comes back and asks anew.
                if case .dropped = watcher.yield(batch) {
                    watcher.finish()
                    watchers[id] = nil
                }
            }
        }
    }

    /// Ends what would keep connections open for ever. Running attempts run on.
    package func endStreams() {
        isStopping = true
        for watcher in watchers.values { watcher.finish() }
        for id in outputFollowers.keys { finishFollowers(of: id) }
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
        case .attemptPlaced, .updated, .removed: return nil
        }
    }
}

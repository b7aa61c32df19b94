// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import Linux
import Synchronization

/// The latest state changes, kept once for all followers, and the followers of output.
///
/// A follower has a place in the feed and no copy of it, so that twenty readers which do not read hold as much memory as
/// one. A place that lies too far back is given up: its follower hears the end, comes back, and asks for states anew.
package final class ChangeFeed: Sendable {
    /// The most that is kept, in bytes. A follower that is this far behind would be told tens of thousands of changes.
    private let limit: Int
    private let state = Mutex(State())

    fileprivate struct State {
        /// The first of them has the number `first`; those that every follower has taken are gone.
        var batches: [ChangeBatch] = []
        var first = 0
        var bytes = 0
        /// Of batches that are gone, since memory was last given back.
        var freed = 0
        var places: [Int: Place] = [:]
        var nextPlace = 0
        var isFinished = false
        /// Changes of this turn of the queue's loop, which are published together.
        var pending: [Announcement] = []
        /// By job.
        var outputFollowers: [Int: [AsyncStream<Void>.Continuation]] = [:]

        var end: Int { first + batches.count }
    }

    /// Where a follower is.
    fileprivate struct Place {
        /// The number of the batch that comes next.
        var next: Int
        var isTickDue = false
        /// Brings its next tick.
        var timer: TimerQueue.ID?
        var isOver = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    /// An item of the feed, as a follower hears it.
    package enum News {
        case changes(ChangeBatch)
        /// As often as was asked for: a moment to say something else.
        case tick
    }

    package init(limit: Int = 8 << 20) { self.limit = limit }

    /// Whether there is anybody to tell.
    package var isFollowed: Bool { state.withLock { !$0.places.isEmpty } }

    /// Whether that follower waits for news.
    package func isAwaited(by id: Int) -> Bool { state.withLock { $0.places[id]?.waiter != nil } }

    /// About what it takes of memory.
    package var bytes: Int { state.withLock { $0.bytes } }

    /// Takes changes that are on disk; followers hear them by ``publish()``.
    ///
    /// - Returns: whether they are the first since then.
    package func announce(_ changes: [Change]) -> Bool {
        state.withLock { state in
            guard !state.places.isEmpty else { return false }
            let news = changes.compactMap { Announcement($0) }
            defer { state.pending += news }
            return state.pending.isEmpty && !news.isEmpty
        }
    }

    /// Tells the followers what was announced.
    package func publish() {
        publish(
            state.withLock { state in
                defer { state.pending = [] }
                return state.pending
            })
    }

    /// Adds changes, for those who follow by now.
    package func publish(_ changes: [Announcement]) {
        let batches = ChangeBatch.split(changes)
        wake { state in
            guard !state.places.isEmpty else { return false }
            state.batches += batches
            state.bytes += batches.reduce(0) { $0 + $1.size }
            var gone = 0
            while state.bytes > limit, gone < state.batches.count {
                state.bytes -= state.batches[gone].size
                gone += 1
            }
            state.drop(gone)
            for (id, place) in state.places where place.next < state.first { state.places[id]?.isOver = true }
            return true
        }
    }

    /// Tells all followers that there is no more to come, those of output included.
    package func finish() {
        wake { state in
            state.isFinished = true
            return true
        }
        let followers = state.withLock { state in
            defer { state.outputFollowers = [:] }
            return state.outputFollowers.values.flatMap(\.self)
        }
        for follower in followers { follower.finish() }
    }

    /// Has a follower of a job's output hear when that is complete.
    package func followOutput(of job: Int, _ follower: AsyncStream<Void>.Continuation) {
        let isFinished = state.withLock { state in
            if !state.isFinished { state.outputFollowers[job, default: []].append(follower) }
            return state.isFinished
        }
        if isFinished { follower.finish() }
    }

    /// The output of a job's attempt is complete: its followers read to the end and stop.
    package func finishOutput(of job: Int) {
        for follower in state.withLock({ $0.outputFollowers.removeValue(forKey: job) }) ?? [] { follower.finish() }
    }

    /// Follows from now on, for as long as the result is kept.
    ///
    /// - Parameter onEnd: called then, with the timer that would bring the next tick.
    package func follow(onEnd: @escaping @Sendable (TimerQueue.ID?) -> Void = { _ in }) -> Follower {
        let id = state.withLock { state in
            state.nextPlace += 1
            state.places[state.nextPlace] = Place(next: state.end)
            return state.nextPlace
        }
        return Follower(self, id, onEnd)
    }

    /// Has the follower hear ``News/tick``, once for all that it has not heard yet.
    package func tick(_ id: Int) {
        wake { state in
            state.places[id]?.isTickDue = true
            return true
        }
    }

    /// Notes the timer that brings a follower's next tick.
    ///
    /// - Returns: `false` if there is no such follower any more.
    package func setTimer(_ timer: TimerQueue.ID, of id: Int) -> Bool {
        state.withLock { state in
            state.places[id]?.timer = timer
            return state.places[id] != nil
        }
    }

    /// Changes the state, then wakes the followers that have something to hear.
    private func wake(_ change: (inout sending State) -> Bool) {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard change(&state) else { return [] }
            return state.places.keys.compactMap { id in
                guard state.hasNews(id), let waiter = state.places[id]?.waiter else { return nil }
                state.places[id]?.waiter = nil
                return waiter
            }
        }
        for waiter in waiters { waiter.resume() }
    }
}

extension ChangeFeed {
    /// One reader of the feed.
    package final class Follower: Sendable {
        package let id: Int
        private let feed: ChangeFeed
        private let onEnd: @Sendable (TimerQueue.ID?) -> Void

        fileprivate init(_ feed: ChangeFeed, _ id: Int, _ onEnd: @escaping @Sendable (TimerQueue.ID?) -> Void) {
            (self.feed, self.id, self.onEnd) = (feed, id, onEnd)
        }

        deinit {
            onEnd(feed.leave(id))
        }

        /// Waits for news; `nil` at the end, if the follower is too far behind, or if its task was cancelled.
        package func next() async -> News? {
            while true {
                switch feed.take(id) {
                case .news(let news): return news
                case .over: return nil
                case .nothing: break
                }
                await withTaskCancellationHandler {
                    await withCheckedContinuation { feed.wait(id, $0) }
                } onCancel: {
                    feed.giveUp(id)
                }
            }
        }
    }

    private enum Taken {
        case news(News)
        case nothing
        case over
    }

    private func take(_ id: Int) -> Taken {
        let (taken, isTrimDue) = state.withLock { state -> (Taken, Bool) in
            guard let place = state.places[id], !place.isOver else { return (.over, false) }
            // Changes first: what is said at a tick may take longer than until the next one.
            guard place.next < state.end else {
                guard place.isTickDue else { return (state.isFinished ? .over : .nothing, false) }
                state.places[id]?.isTickDue = false
                return (.news(.tick), false)
            }
            let batch = state.batches[place.next - state.first]
            state.places[id]?.next += 1
            return (.news(.changes(batch)), state.dropTaken())
        }
        if isTrimDue { trimMemory() }
        return taken
    }

    private func wait(_ id: Int, _ waiter: CheckedContinuation<Void, Never>) {
        let isWaiting = state.withLock { state in
            guard state.places[id] != nil, !state.hasNews(id) else { return false }
            state.places[id]?.waiter = waiter
            return true
        }
        if !isWaiting { waiter.resume() }
    }

    private func giveUp(_ id: Int) {
        wake { state in
            state.places[id]?.isOver = true
            return true
        }
    }

    private func leave(_ id: Int) -> TimerQueue.ID? {
        let (timer, isTrimDue) = state.withLock { state in
            let place = state.places.removeValue(forKey: id)
            return (place?.timer, state.dropTaken())
        }
        if isTrimDue { trimMemory() }
        return timer
    }
}

extension ChangeFeed.State {
    fileprivate func hasNews(_ id: Int) -> Bool {
        guard let place = places[id] else { return false }
        return place.isOver || place.isTickDue || place.next < end || isFinished
    }

    /// - Returns: whether so much is gone that the allocator should give it back.
    fileprivate mutating func dropTaken() -> Bool {
        let least = places.values.filter { !$0.isOver }.map(\.next).min() ?? end
        bytes -= batches.prefix(least - first).reduce(0) { $0 + $1.size }
        drop(least - first)
        guard batches.isEmpty, freed > 1 << 20 else { return false }
        freed = 0
        return true
    }

    fileprivate mutating func drop(_ count: Int) {
        freed += batches.prefix(count).reduce(0) { $0 + $1.size }
        batches.removeFirst(count)
        first += count
    }
}

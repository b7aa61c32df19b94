// SPDX-License-Identifier: Apache-2.0
import JobStore
import Linux
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

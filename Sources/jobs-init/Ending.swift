// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Linux
import Sandbox

/// The end of a job's processes: those that the main process leaves behind may finish for a moment, then everybody is asked
/// to end and has the whole grace period for it, then the rest is killed.
///
/// A shell between a worker and us ends at once when it is asked to, and must not cost the worker its grace period; `tee` and
/// `gzip` in a pipeline are still writing when the shell that started them has ended.
struct Ending {
    /// Processes other than the main one that did not end by themselves.
    struct Rest {
        /// After the main process had ended by itself.
        var terminated = 0
        var killed = 0
    }

    private enum Phase {
        case none
        /// Until that moment on the monotonic clock.
        case lingering(until: Int)
        case terminating(until: Int)
        case killed
    }

    let killer: Killer
    let timer: Timer
    let plan: Plan
    let tell: (Report) -> Void
    private(set) var rest = Rest()
    private var phase = Phase.none

    init(killer: Killer, timer: Timer, plan: Plan, tell: @escaping (Report) -> Void) {
        (self.killer, self.timer, self.plan, self.tell) = (killer, timer, plan, tell)
    }

    /// The main process has ended, and others are left.
    mutating func mainHasEnded() {
        guard case .none = phase else { return }
        phase = .lingering(until: Clock.monotonicMicroseconds + plan.lingerUsec)
        timeIsUp()
    }

    /// Everybody is asked to end: by a limit, a cancellation, a signal, or after the linger.
    mutating func terminate() {
        switch phase {
        case .none, .lingering:
            killer.terminateAll()
            phase = .terminating(until: Clock.monotonicMicroseconds + plan.graceUsec)
            timeIsUp()
        case .terminating, .killed: break
        }
    }

    mutating func kill() {
        if case .killed = phase {
            killer.killAll()
        } else {
            rest.killed = killer.count
            killer.killAll()
            tell(.killing)
        }
        phase = .killed
    }

    /// A moment has come, or the timer fired before it: goes on to what is next, and arms the timer for that.
    mutating func timeIsUp() {
        timer.acknowledge()
        let now = Clock.monotonicMicroseconds
        switch phase {
        case .none: break
        case .lingering(let end) where end <= now:
            rest.terminated = killer.count
            terminate()
        case .terminating(let end) where end <= now: kill()
        case .lingering(let end), .terminating(let end): try? timer.arm(microseconds: end - now)
        case .killed: killer.killAll()
        }
    }

    /// Comes back soon, for processes whose end nothing tells.
    func lookAgain() { try? timer.arm(microseconds: 10_000) }
}

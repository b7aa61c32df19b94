// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Cgroups
import Glibc
import Linux
import SystemPackage

/// The supervisor's own end of an attempt whose jobs-init does not bring it about.
///
/// jobs-init keeps the limits and the grace period, and cannot while a system call holds it: a mount, or the command's
/// execve, on a file system that does not answer. So each moment at which it ought to have killed is kept here as well, a
/// little later, and met by `cgroup.kill`, which needs nobody's help; jobs-init itself is killed last, since it knows what
/// belongs in the record. There is one timer, and none for an attempt that nothing is to end.
final class Backstop {
    /// What comes when the time is up.
    private enum Phase {
        case idle
        /// The wall time and the grace period are over; the rest of it while the attempt is suspended.
        case limit(until: Int)
        case paused(left: Int)
        /// jobs-init was to have killed everybody.
        case ending
        /// Everybody was sent SIGKILL.
        case killed
        /// That was a while ago.
        case overdue
        /// jobs-init was sent SIGKILL as well.
        case initKilled
    }

    /// For jobs-init to act before us, on a machine that has other things to do.
    private static let slackUsec = 2_000_000
    /// Between SIGKILL and a look at those that it has not ended, which takes less unless the kernel holds them.
    private static let lookUsec = 1_000_000
    /// Until jobs-init is taken to be held up: memory of hundreds of gigabytes takes seconds to be given back.
    private static let overdueUsec = 9_000_000

    private unowned let attempt: Attempt
    private let loop: EventLoop
    private var timer: Linux.Timer?
    private var phase = Phase.idle

    init(of attempt: Attempt, _ loop: EventLoop) { (self.attempt, self.loop) = (attempt, loop) }

    /// The wall time runs from now on.
    ///
    /// - Parameter graceUsec: after it.
    func limit(wallTimeUsec: Int?, graceUsec: Int, isSuspended: Bool = false) {
        guard let wallTimeUsec else { return }
        let usec = wallTimeUsec + graceUsec + Self.slackUsec
        if isSuspended {
            phase = .paused(left: usec)
        } else {
            enter(.limit(until: Clock.monotonicMicroseconds + usec), in: usec)
        }
    }

    /// A suspended attempt uses up no wall time.
    func setSuspended(_ suspended: Bool) {
        switch (phase, suspended) {
        case (.limit(let end), true):
            timer?.disarm()
            phase = .paused(left: end - Clock.monotonicMicroseconds)
        case (.paused(let left), false): enter(.limit(until: Clock.monotonicMicroseconds + left), in: left)
        default: break
        }
    }

    /// jobs-init has been asked to end everybody, or has begun to.
    func expectKill(within graceUsec: Int) {
        switch phase {
        case .idle, .limit, .paused: enter(.ending, in: graceUsec + Self.slackUsec)
        case .ending, .killed, .overdue, .initKilled: break
        }
    }

    /// jobs-init has been told to kill at once.
    func expectKill() {
        switch phase {
        case .idle, .limit, .paused, .ending: enter(.ending, in: Self.lookUsec / 2)
        case .killed, .overdue, .initKilled: break
        }
    }

    /// Everybody was sent SIGKILL.
    func expectDeath() {
        switch phase {
        case .idle, .limit, .paused, .ending: enter(.killed, in: Self.lookUsec)
        case .killed, .overdue, .initKilled: break
        }
    }

    func end() {
        if let timer { loop.forget(timer.descriptor.rawValue) }
        timer = nil
    }

    private func enter(_ next: Phase, in usec: Int) {
        phase = next
        if timer == nil, let made = try? Linux.Timer() {
            timer = made
            try? loop.watch(made.descriptor.rawValue) { [self] in
                made.acknowledge()
                timeIsUp()
            }
        }
        try? timer?.arm(microseconds: usec)
    }

    private func timeIsUp() {
        switch phase {
        case .idle, .paused: break
        case .limit:
            attempt.evidence.timeLimit = attempt.evidence.timeLimit ?? .wall
            kill()
        case .ending: kill()
        case .killed:
            attempt.survivors = attempt.cgroup.processes
            // Nothing is lost with a jobs-init that has not come to anything.
            if attempt.survivors.isEmpty, attempt.start == nil { return killInit() }
            enter(.overdue, in: Self.overdueUsec)
        case .overdue:
            // Those that the kernel holds will end when it lets them go, and jobs-init waits for that as we do. Where there is
            // no cgroup.kill, others may have forked ever anew: they go with the first process of their PID namespace.
            let rest = attempt.cgroup.processes
            let mayFork = !attempt.cgroup.killsForkProof && rest.contains { ProcessStat.state(of: $0) != "D" }
            if rest.isEmpty || mayFork { killInit() }
        case .initKilled: attempt.survivors = attempt.cgroup.processes + attempt.initPID
        }
    }

    private func kill() {
        enter(.killed, in: Self.lookUsec)
        attempt.cgroup.kill()
    }

    private func killInit() {
        enter(.initKilled, in: Self.lookUsec)
        attempt.cgroup.kill()
        attempt.killInit()
    }
}

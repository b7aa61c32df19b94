// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Glibc
import Linux
import Sandbox
import SystemPackage

/// The attempt's time limits: wall time by one timer, cpu time by a timer for the earliest moment it can be used up.
///
/// The kernel offers no event for a cgroup's cpu time. With `n` CPUs the rest of the budget lasts at least rest/n, so one
/// look then and a new estimate converge in a few steps, without a poll.
final class Deadlines {
    let wall: Timer
    let cpu: Timer
    /// For ``Ending``.
    let ending: Timer
    private let plan: Plan
    /// The moment on the monotonic clock at which wall time is used up.
    private var wallEnd: Int?
    /// Of the wall time, while the job is suspended.
    private var wallLeft: Int?
    private let cpus: Int
    /// The moment on the monotonic clock since which the job is suspended.
    private var suspendedSince: Int?
    private(set) var suspendedUsec = 0

    init(plan: Plan, startedUsec: Int) throws(SetupFailure) {
        self.plan = plan
        cpus = max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN)))
        do throws(Errno) {
            wall = try Timer()
            cpu = try Timer()
            ending = try Timer()
            wallEnd = plan.wallTimeUsec.map { startedUsec + $0 }
            try armWall()
        } catch {
            throw SetupFailure(step: "arm the time limits", detail: "timerfd", errno: error.rawValue)
        }
        _ = isCPUTimeUsedUp()
    }

    private func armWall() throws(Errno) {
        if let wallEnd { try wall.arm(microseconds: wallEnd - Clock.monotonicMicroseconds) }
    }

    var isWallTimeUsedUp: Bool { wallEnd.map { $0 <= Clock.monotonicMicroseconds } ?? false }

    /// A suspended job uses up neither time.
    func pause() {
        suspendedSince = suspendedSince ?? Clock.monotonicMicroseconds
        wallLeft = wallLeft ?? wallEnd.map { $0 - Clock.monotonicMicroseconds }
        wall.disarm()
        cpu.disarm()
    }

    /// Whoever ends a suspended job thaws it.
    func endSuspension() {
        guard let since = suspendedSince else { return }
        suspendedUsec += Clock.monotonicMicroseconds - since
        suspendedSince = nil
    }

    func resume() {
        endSuspension()
        guard let left = wallLeft ?? (plan.wallTimeUsec == nil ? 0 : nil) else { return }
        wallLeft = nil
        if wallEnd != nil { wallEnd = Clock.monotonicMicroseconds + left }
        try? armWall()
        // Comes soon if it is used up already.
        if plan.cpuTimeUsec != nil { try? cpu.arm(microseconds: 1) }
    }

    /// Whether the cpu-time limit is reached; if not, the timer is set for the next time it can be.
    func isCPUTimeUsedUp() -> Bool {
        guard let limit = plan.cpuTimeUsec, let used = cpuUsageUsec() else { return false }
        if used >= limit { return true }
        // Not finer than 2 ms: a limit is then exceeded by 2 ms × CPUs at most.
        try? cpu.arm(microseconds: max(2000, (limit - used) / cpus))
        return false
    }

    /// v2 `cpu.stat` says `usage_usec N` first; v1 `cpuacct.usage` is nanoseconds alone.
    private func cpuUsageUsec() -> Int? {
        guard let descriptor = plan.cpuUsageDescriptor else { return nil }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        let words = String(decoding: bytes[0..<count], as: UTF8.self).split { $0 == " " || $0 == "\n" }
        if words.first == "usage_usec" { return words.dropFirst().first.flatMap { Int($0) } }
        return words.first.flatMap { Int($0) }.map { $0 / 1000 }
    }
}

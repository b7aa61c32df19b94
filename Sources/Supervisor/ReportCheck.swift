// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import JobModel

/// Whether frames can be jobs-init's own. Those of a queued job lie in a file, which a process that sees it and has the
/// daemon's user may write to: they are held against each other, and against what the supervisor knows by itself.
struct ReportCheck {
    private let limits: Limits
    private var isBorn = false
    private var start: Report.Start?
    private var hasEnded = false

    init(_ limits: Limits) { self.limits = limits }

    /// - Parameters:
    ///   - initPid: jobs-init's, `nil` if it is gone.
    ///   - now: `CLOCK_MONOTONIC`, in µs.
    /// - Returns: what cannot be; `nil` for a frame to believe.
    mutating func objection(to report: Report, initPid: Int?, now: Int) -> String? {
        // Its last word, but for that of a machine which goes down; a second one contradicts it.
        if hasEnded { return report == .endedFromOutside ? nil : "something follows its end" }
        guard isBorn else {
            guard case .born(let birth) = report else { return "it does not begin with jobs-init's birth" }
            isBorn = true
            return initPid ?? birth.pid == birth.pid ? nil : "it names process \(birth.pid), and jobs-init is another"
        }
        switch report {
        case .born: return "jobs-init is born twice"
        case .started(let start):
            guard self.start == nil else { return "the command starts twice" }
            self.start = start
            return start.monotonicUsec <= now ? nil : "the command starts in the future"
        case .failed: hasEnded = true
        case .endedFromOutside, .killing: break
        case .stopped: return start == nil ? "the command stops before it starts" : nil
        case .limitReached(let which):
            let limit = which == .wall ? limits.wallTime : limits.cpuTime
            guard let limit, let start else { return "a limit is reached that there is not" }
            if which == .wall, now - start.monotonicUsec < limit.microseconds { return "its wall time is not up" }
        case .exited(let exit):
            hasEnded = true
            guard let start else { return "the command ends before it starts" }
            guard (start.monotonicUsec...max(now, start.monotonicUsec)).contains(exit.monotonicUsec) else {
                return "the command ends before it starts, or in the future"
            }
        }
        return nil
    }
}

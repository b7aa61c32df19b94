// SPDX-License-Identifier: Apache-2.0
import JobModel
import AttemptFiles
import Testing

@testable import Supervisor

/// Which frames of a report can be jobs-init's own.
@Suite struct ReportCheckTests {
    private static let now = 90_000_000

    private static func born(_ pid: Int = 7) -> Report {
        var birth = Report.Birth()
        birth.pid = pid
        return .born(birth)
    }

    private static func started(at usec: Int = 10_000_000) -> Report {
        var start = Report.Start()
        (start.pid, start.monotonicUsec) = (2, usec)
        return .started(start)
    }

    private static func exited(at usec: Int = 80_000_000) -> Report {
        var exit = Report.Exit()
        exit.monotonicUsec = usec
        return .exited(exit)
    }

    private static let failed = Report.failed(SetupFailure(step: "mount", detail: "/proc", errno: 1))

    /// The objections to the frames, in their order, each at the moment `now`.
    private func objections(_ frames: [Report], initPid: Int? = 7) -> [String] {
        var limits = Limits()
        limits.wallTime = .seconds(60)
        var check = ReportCheck(limits)
        return frames.compactMap { check.objection(to: $0, initPid: initPid, now: Self.now) }
    }

    @Test(arguments: [
        [born(), started(), exited()], [born(), failed], [born(), started(), failed],
        [born(), started(), .limitReached(.wall), exited()],
        [born(), started(), .stopped, .endedFromOutside, exited()],
        // jobs-init waits for its daemon while the machine goes down.
        [born(), started(), exited(), .endedFromOutside],
        [born(), started(at: now), exited(at: now)],
    ]) func `a report of jobs-init's is believed`(_ frames: [Report]) {
        #expect(objections(frames) == [])
        #expect(objections(frames, initPid: nil) == [])
    }

    @Test(arguments: [
        [started()], [exited()], [failed], [born(8)], [born(), born()], [born(), exited()], [born(), .stopped],
        [born(), started(), started()], [born(), started(at: now + 1)], [born(), started(), exited(at: now + 1)],
        [born(), started(), exited(at: 9_999_999)], [born(), started(), exited(), exited()],
        [born(), started(), exited(), failed], [born(), failed, exited()], [born(), .limitReached(.wall)],
        [born(), started(), .limitReached(.cpu)], [born(), started(at: 40_000_000), .limitReached(.wall)],
    ]) func `what cannot be is told`(_ frames: [Report]) {
        #expect(objections(frames).count == 1, "\(objections(frames))")
    }
}

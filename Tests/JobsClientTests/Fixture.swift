// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI
import JobsView

/// Jobs as a server tells of them.
enum Fixture {
    static let now = moment("2026-11-24T17:22:01.000000Z")!

    static func time(_ secondsAgo: Int) -> String {
        Timestamp(microsecondsSinceEpoch: now.microsecondsSinceEpoch - secondsAgo * 1_000_000).description
    }

    static func job(
        _ id: Int, _ state: JobState = .pending, name: String = "stress", _ change: (inout JobView) -> Void = { _ in }
    )
        -> JobView
    {
        var job = JobView(
            id: id, name: name, owner: "pi", state: state, group: "default", priority: 0,
            attempt: state == .pending ? 0 : 1, attemptsMax: 1, submittedAt: time(3600))
        change(&job)
        return job
    }

    static func running(_ id: Int, name: String = "stress", seconds: Int = 63) -> JobView {
        job(id, .running, name: name) {
            $0.startedAt = time(seconds)
            $0.memoryLimitBytes = 100 << 20
            $0.memoryCurrentBytes = 63 << 20
            $0.command =
                "stress --vm 1 --vm-bytes 60M --vm-hang 0 --timeout 600 --verbose and some more words to fill the line"
        }
    }

    static func ended(_ id: Int, _ state: JobState = .completed, ago: Int = 60, message: String = "exited with 0")
        -> JobView
    {
        job(id, state) {
            $0.startedAt = time(ago + 30)
            $0.endedAt = time(ago)
            $0.wallTimeUsec = 30_000_000
            $0.memoryPeakBytes = 98 << 20
            $0.memoryLimitBytes = 100 << 20
            $0.message = message
            $0.exitCode = state == .completed ? 0 : nil
            $0.processExitCode = state == .completed ? 0 : 137
        }
    }
}

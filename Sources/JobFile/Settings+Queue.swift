// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import JobModel

extension Settings {
    /// What the queue does with a job; `jobs run` takes no notice.
    static let queue: [Setting] = [
        Setting(
            "queue.priority", .priority, into: { $1.scheduling.priority = $0 }, from: { $0.scheduling.priority },
            example: "10", standard: "0",
            synonyms: ["prio", "urgency"],
            "Higher starts first, from -1000 to 1000; equal ones start in the order of their submission."),
        Setting(
            "queue.group", .jobName, into: { $1.scheduling.group = $0 }, from: { $0.scheduling.group },
            flag: "queue-group", example: "gpu",
            standard: "default", synonyms: ["partition", "lane"],
            "Named group that counts it; a group may have a limit of jobs that run at once."),
        Setting(
            "queue.memory", .memory(orElse: "limits.memory"), into: { $1.scheduling.memoryRequest = $0 },
            from: { $0.scheduling.memoryRequest }, flag: "request-memory",
            example: "2G", synonyms: ["memory-request", "mem-request"],
            "Memory that the queue sets aside for it. `limits.memory` if left out."),
        Setting(
            "queue.cpus", .cpus, into: { $1.scheduling.cpusRequest = $0 }, from: { $0.scheduling.cpusRequest },
            flag: "request-cpus", example: "2",
            synonyms: ["cpus-request"],
            "CPUs that the queue sets aside for it. `limits.cpus` if left out, else 1."),
        Setting(
            "queue.after", .dependency, into: { $1.scheduling.after = $0 }, from: { $0.scheduling.after },
            example: "\"ok:41,any:prepare\"",
            synonyms: ["dependency", "depends-on", "needs", "afterok"],
            "Jobs that must have ended first, by id or name: `ok:` completed, `any:` however it ended, `failed:` not "
                + "completed. `,` is and, `?` is or. A job whose condition cannot hold any more is skipped."),
        Setting(
            "queue.begin", .moment, into: { $1.scheduling.begin = $0 }, from: { $0.scheduling.begin },
            example: "now+1h",
            synonyms: ["start", "not-before", "delay"],
            "Not before this time: `now+1h`, `22:00` (the next), `tomorrow 6:00`, `2026-11-24 22:00` or, with a zone, "
                + "`2026-11-24T22:00:00Z`. Without one it is the submitter's local time."),
        Setting(
            "queue.hold", .onOff, into: { $1.scheduling.held = $0 }, from: { $0.scheduling.held }, example: "true",
            standard: "false",
            synonyms: ["held", "stashed"],
            "Wait until `jobs release` says go."),
        Setting(
            "queue.array", .array, into: { $1.scheduling.array = $0 }, from: { $0.scheduling.array }, example: "0-99%8",
            synonyms: ["sweep"],
            "One job for each index, which it finds in `JOBS_ARRAY_INDEX`; after `%` how many may run at once."),
        Setting(
            "queue.retries", .integer(0...1000, example: 3), into: { $1.scheduling.retry.retries = $0 },
            from: { $0.scheduling.retry.retries }, example: "3",
            standard: "0", synonyms: ["retry", "attempts", "max-retries"],
            "Further attempts after one that failed."),
        Setting(
            "queue.retry-on", .retryStates, into: { $1.scheduling.retry.states = $0 },
            from: { $0.scheduling.retry.states }, example: "[failed, lost]",
            standard: "failed,timeout,lost", synonyms: ["retry-states"],
            "States after which another attempt is made: `failed`, `timeout`, `lost`."),
        Setting(
            "queue.backoff", .duration, into: { $1.scheduling.retry.backoff = $0 },
            from: { $0.scheduling.retry.backoff }, example: "30s", standard: "10s",
            synonyms: ["retry-delay"],
            "Pause before the second attempt; doubles with every further one."),
        Setting(
            "queue.backoff-max", .duration, into: { $1.scheduling.retry.backoffCeiling = $0 },
            from: { $0.scheduling.retry.backoffCeiling }, example: "10m",
            standard: "6m", synonyms: ["max-backoff"],
            "Longest pause between two attempts."),
        Setting(
            "queue.oom-factor", .factor, into: { $1.scheduling.retry.memoryFactor = $0 },
            from: { $0.scheduling.retry.memoryFactor }, example: "2",
            synonyms: ["memory-factor", "oom-retry"],
            "When its own memory limit was too small, try again with this times as much. Never after an OOM kill that "
                + "the whole machine caused."),
        Setting(
            "queue.oom-max", .memory(orElse: "no bound"), into: { $1.scheduling.retry.memoryCeiling = $0 },
            from: { $0.scheduling.retry.memoryCeiling }, example: "4G",
            synonyms: ["memory-ceiling", "oom-ceiling"],
            "Most memory that `oom-factor` may lead to; a job that needs more is held."),
    ]
}

extension Settings {
    /// What `now+1h` counts from: a moment that is relative to now is fixed once, when it is read. Tests stop it.
    @TaskLocal static var clock: @Sendable () -> Timestamp = {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microsecondsSinceEpoch: time.tv_sec * 1_000_000 + time.tv_nsec / 1000)
    }

    /// Seconds that local time is ahead of UTC, at a second since 1970: what `22:00` means here. Tests fix it.
    @TaskLocal static var zone: @Sendable (Int) -> Int = { seconds in
        var time = time_t(seconds)
        var parts = tm()
        localtime_r(&time, &parts)
        return parts.tm_gmtoff
    }
}

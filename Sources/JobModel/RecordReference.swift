// SPDX-License-Identifier: Apache-2.0

extension Record {
    /// `docs/record.md`: every key of the record with its unit and source, made from the lists the record is made from.
    public static func reference() -> String {
        var lines = [
            "# The record of an attempt", "",
            "One JSON document, the same from `run --report` and every later place that shows an attempt. Generated from the",
            "code; `JOBS_UPDATE_DOCS=1 make test-unit` writes it anew. Integers are in the base unit that their key names.",
            "`null` means that the kernel does not offer the figure; `unavailable` then holds the reason. It is never 0 instead.",
            "", "## Top level", "", "| key | meaning |", "| --- | --- |",
        ]
        lines += keys.map { "| `\($0)` | \($1) |" }
        lines += ["", "## usage", "", "| key | unit | meaning | read from |", "| --- | --- | --- | --- |"]
        lines += Usage.figures.map { "| `\($0.key)` | \($0.unit) | \($0.meaning) | \($0.source) |" }
        lines += [
            "", "## state and cause", "", "| state | cause | exit code of `run` | when |", "| --- | --- | --- | --- |",
        ]
        lines += endings.map { "| `\($0.state)` | `\($0.cause)` | \($0.code) | \($0.when) |" }
        return lines.joined(separator: "\n") + "\n"
    }

    private static let keys: KeyValuePairs = [
        "schema_version": "1; a later version may add keys and keeps these",
        "job": "`id` (null for `jobs run`: no queue ever saw it), `name`, `attempt`, `owner`",
        "state": "how it ended, see below",
        "cause": "why, see below",
        "exit": "`code` or `signal` of the main process itself, whatever the verdict",
        "message": "one sentence with the figures that prove the verdict",
        "started_at": "the command's execve, RFC 3339 in UTC with microseconds",
        "ended_at": "the main process's end",
        "limits": """
        as the kernel holds them, read back: `memory_bytes`, `swap_bytes`, `memory_soft_bytes`, `cpus`, `cpu_weight`, \
        `cpuset`, `pids`, `io`, `hugepages`, `wall_time_usec`, `cpu_time_usec`; `ancestor_memory_bytes`, \
        `ancestor_cpus`, `ancestor_pids` and their `_path`s are the tightest limits above the job; `unenforced` names limits let \
        through by `--allow-unenforced`, and those that this machine enforces in part
        """,
        "usage": "what it used, see below",
        "unavailable": "key → why its figure is null",
        "partial": "key → what is missing in its figure, which is at least as much as shown",
        "sampled": "keys whose value is the largest of a few looks, not a peak kept by the kernel",
        "trust": """
        reasons not to trust the measurement, each with `flag` and `detail`: `swapped`, `thermal-throttled`, \
        `under-voltage`, `cpu-throttled`, `cache-limited`, `other-jobs`, `limits-changed`, \
        `buffered-writes`, `ancestor-limit`, `unconfined`
        """,
        "oom":
            """
        null without an OOM kill; else `source` (`kernel-log` or `counters`), `cause` (`own-limit`, `ancestor-limit`, `system`; \
        of the last kill, also if the attempt outlived it), `limit_path` (the directory of the cgroup whose limit it was; null \
        for `system`, and where `unavailable` says why under `oom_limit_path`), `victims`, each once
        """,
        "rest":
            "processes that the main one left behind: `terminated`, asked to end after the linger; `killed`, after the grace period",
        "host": "`kernel`, `cgroup_mode` (`unified`, `hybrid`, `legacy`), `board`",
    ]

    private static let endings: [(state: String, cause: String, code: String, when: String)] = [
        ("completed", "success", "0", "the command exited with 0"),
        ("failed", "exit-status", "its own", "it exited with another status"),
        (
            "failed", "signal", "128 + n",
            """
            a signal that neither we nor an OOM killer sent; with `oom: kill-process` also a SIGKILL of which nothing proves that \
            an OOM killer sent it: the kernel log cannot be read, or does not name as many victims as were killed
            """
        ),
        ("failed", "not-executable", "127, 126", "the command does not exist, or may not be executed"),
        ("failed", "setup", "125", "what the job asked for could not be built; the command did not run"),
        ("lost", "supervisor-lost", "125", "jobs-init was killed, or its report cannot be read: nobody knows the end"),
        (
            "out-of-memory", "own-limit", "137",
            "the kernel's counter says a process was OOM-killed, by the job's own limit"
        ),
        ("out-of-memory", "ancestor-limit", "137", "… by the limit of a cgroup above it"),
        ("out-of-memory", "system", "137", "… because the whole machine was out of memory"),
        ("timeout", "wall-time", "124", "its wall time was up"),
        ("timeout", "cpu-time", "124", "its processes together had used up their CPU time"),
        ("cancelled", "interrupted", "130", "somebody pressed Ctrl-C"),
        ("cancelled", "cancelled", "143", "somebody asked it to end"),
    ]
}

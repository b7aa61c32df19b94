// SPDX-License-Identifier: Apache-2.0

internal import JobModel

extension Settings {
    /// What is run, and as whom and where.
    static let job: [Setting] = [
        Setting(
            "name", .jobName, into: { $1.name = $0 }, from: { $0.name }, example: "stress-test", standard: nil,
            synonyms: ["job-name", "title"],
            "Name of the job in tables and records. The file's name without its extension if left out."),
        Setting(
            "description", .text("a text", "TEXT"), into: { $1.summary = $0 }, from: { $0.summary },
            example: "Tries to hold 200 MB",
            synonyms: ["summary", "comment"],
            "One sentence for people."),
        Setting(
            "command", .command, into: { $1.command = $0 }, from: { $0.command }, flag: .some(nil),
            example: "[stress, --vm, 1, --vm-bytes, 200M]",
            synonyms: ["cmd", "run", "exec", "args"],
            "What to execute: a list is executed as it is and found through `PATH`, one text goes to `/bin/sh -c`."),
        // No reader of its own: what it sets is a command, and reads back as one.
        Setting(
            "script", .script, into: { $1.command = $0 }, from: { _ in nil }, flag: .some(nil),
            example: "|\n  date\n  make check",
            synonyms: ["shell"],
            "Several lines for `/bin/sh -c`. A job file has either `command` or `script`."),
        Setting(
            "directory", .text("a directory", "PATH"), into: { $1.directory = $0 }, from: { $0.directory },
            example: "/srv/data",
            synonyms: ["cwd", "workdir", "working-directory", "chdir", "dir"],
            "Directory the command starts in. The current directory of whoever runs the job if left out."),
        Setting(
            "env", .environment, from: { $0.environment }, example: "{OMP_NUM_THREADS: 4}",
            synonyms: ["environment", "variables", "envs"],
            "Environment variables, added to those the job gets anyway. The flag may be repeated.",
            set: { given, spec in spec.environment.merge(given) { $1 } }),
        Setting(
            "user", .text("a user name or number", "USER"), into: { $1.user = $0 }, from: { $0.user },
            example: "nobody",
            synonyms: ["uid"],
            "User the command runs as. Only root may name another one."),
        Setting(
            "group", .text("a group name or number", "GROUP"), into: { $1.group = $0 }, from: { $0.group },
            example: "nogroup",
            synonyms: ["gid"],
            "Group the command runs as. The user's own group if left out."),
        Setting(
            "hostname", .hostname, into: { $1.hostname = $0 }, from: { $0.hostname }, example: "node-1",
            synonyms: ["host-name", "host"],
            "Host name inside the job; needs `isolation.uts`."),
        Setting(
            "umask", .fileMask, into: { $1.umask = $0 }, from: { $0.umask }, example: "\"0027\"", synonyms: ["mask"],
            "File mode creation mask, always read as octal: `22`, `022`, `0022` and `0o22` are the same."),
        Setting(
            "oom", .word(OOMPolicy.self, "policy"), into: { $1.oom = $0 }, from: { $0.oom }, example: "kill-process",
            standard: "kill-job",
            synonyms: ["oom-policy"],
            "What an out-of-memory kill ends: the whole attempt, or only the process the kernel chose."),
        Setting(
            "export", .export, into: { $1.export = $0 }, from: { $0.export }, example: "LANG,OMP_NUM_THREADS=4",
            standard: "NONE",
            synonyms: ["pass-env", "export-env"],
            "Variables of whoever submits it that a queued job gets beside a clean environment: `NONE`, `ALL`, or "
                + "`NAME,NAME=VALUE`. `jobs run` passes everything on."),
    ]
}

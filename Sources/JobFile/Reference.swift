// SPDX-License-Identifier: Apache-2.0

extension JobFile {
    /// The reference of job files in Markdown: `docs/job-file.md`, made from ``Settings/all``.
    public static func reference() -> String {
        var text = """
            # Job files

            <!-- Made from Sources/JobFile/Settings*.swift by JobFile.reference(). Do not edit: a test compares. -->

            A job file says what to execute, under which limits and how isolated. It is YAML:

            ```yaml
            # jobs/stress-test.yaml
            description: Tries to hold 200 MB under a limit of 100 MB
            command: [stress, --vm, 1, --vm-bytes, 200M, --timeout, 30s]
            limits:
              memory: 100M
              pids: 16
              wall-time: 1m
            ```

            or a script with `#JOB` lines at its head, in any language whose comments start with `#`:

            ```sh
            #!/bin/sh
            #JOB --memory 100M --pids 16
            #JOB --wall-time=1m --env OMP_NUM_THREADS=4
            make check
            ```

            `jobs run stress-test` and `jobs submit stress-test` look a name up as `NAME.yaml`, `.yml`, `.json`, `.sh` and `.py`
            in `./jobs`, `$XDG_CONFIG_HOME/jobs/jobs` (`~/.config/jobs/jobs` if that is not set), `/etc/jobs/jobs`,
            `/usr/local/share/jobs/jobs` and `/usr/share/jobs/jobs`. What contains a `/` or ends in one of the five is a file.
            For a name alone root takes only files of root's, and of the user who called `sudo`, that not everybody may write, and so
            for the folder and the directory it is in: in another user's directory `./jobs/backup.yaml` may be anything. To run it
            all the same, write `./jobs/backup.yaml`.
            A flag beats the file, the file beats the default. `jobs validate FILE…` checks without running.


            """
        text += table("What is run", nil, "")
        text += table("limits", "limits", "Left out means no limit of ours; a limit above the job still holds.\n\n")
        text += table(
            "isolation", "isolation",
            "Every switch has two flags, `--net` and `--no-net`. The table shows the one that changes the default.\n\n")
        text += table(
            "queue", "queue",
            "What the queue does with a job after `jobs submit`. `jobs run` has no queue and takes no notice of it.\n\n"
        )
        return text + notes
    }

    private static func table(_ title: String, _ section: String?, _ introduction: String) -> String {
        var text =
            "## \(title)\n\n\(introduction)| key | flag | value | default |  |\n| --- | --- | --- | --- | --- |\n"
        for setting in Settings.all where setting.section == section {
            let cells = [
                "`\(setting.key)`", setting.usage.map { "`\($0)`" } ?? "", setting.phrase,
                setting.standard.map { "`\($0)`" } ?? "", setting.documentation,
            ]
            text +=
                "| " + cells.map { $0.split(separator: "|").joined(separator: "\\|") }.joined(separator: " | ") + " |\n"
        }
        return text + "\n"
    }

    private static let notes = """
        ## How values are read

        - **Sizes**: `K M G T` and `Ki Mi Gi Ti` are both powers of 1024, a bare number is bytes. `MB` is refused: it is read
          both ways.
        - **Durations**: `90s`, `5m`, `1h30m`, `2d`, `250ms`; a bare number is seconds. `1:30` is refused: it is read three ways.
        - **Numbers** have digits only; `1_000` is refused.
        - **Switches**: `true` and `false`; `yes`, `no`, `on` and `off` are read as well.
        - **umask** is octal with and without quotes: `umask: 0022` is `022`, not the 18 that YAML makes of it.
        - **Texts** stay as they are written. `env: {ANSWER: no, VERSION: 1.10}` sets `no` and `1.10`.
        - **Lists** may also be one text with commas, as in the flags: `capabilities: NET_ADMIN,SYS_PTRACE`.
        - **Jobs to wait for** are ids or names: `after: ok:41,any:prepare?failed:7` waits for the first two, or for the third.
          `,` is and, `?` is or, and `,` binds closer. A bare job means `ok`, digits alone are an id; a backslash takes the next
          character as it is, for a name that holds one of the marks or digits only: `ok:a\\,b`, `ok:\\41`. A name is the
          owner's newest job of that name at the time of submission.
        - **Times** are `now+1h`, `+90m`, or RFC 3339 with a time zone: `2026-11-24T22:00:00Z`, `2026-11-24T22:00:00+01:00`.
          `22:00` is refused: it has no date and no zone. What counts from now counts from the submission.
        - **Indices** of an array are `0-99`, `1,3,5` or `0-100:10` (every tenth), up to 100,000 of them; `%8` lets eight run at
          once.
        - **export**: `ALL` and `NONE` stand alone. In one text a value ends at the next comma; in a list it does not:
          `export: [LANG, "OPTIONS=a,b"]`. A queued job starts with a clean environment (`PATH`, `HOME`, `USER`, `LOGNAME`,
          `SHELL`, `LANG`), over it what `export` names, over that `env`.
        - A key without a value is an error; a section without keys is not.
        - Anchors and aliases work. Merge keys (`<<`), tags (`!!int`) and a second document do not.

        ## Flags and `#JOB` lines

        `--flag value` and `--flag=value` are the same. Maps are written as pairs: `--io /dev/sda:read=10M,write-iops=100`,
        `--hugepages 2M=64M`, `--time-offset monotonic=10d`. `--env`, `--io` and `--hugepages` may be repeated and add up, by
        variable, device and page size; of any other flag the last one counts.

        `#JOB` stands at the start of a line, above the first command. Below it a `#JOB` line is an error, because it would be
        ignored. One line may hold several flags; quotes and backslashes work as in a shell, variables do not, and ` #` begins
        a comment. In one file the same flag may be given once. A script that is not executable is run by the interpreter of
        its `#!` line, one without such a line by `/bin/sh` (`.py`: `python3`).

        A YAML job file can be executable, too: start it with `#!/usr/bin/env -S jobsctl run`.

        ## Errors

        Everything that is wrong is reported at once, with line and column, and nothing runs:

        ```
        jobs/x.yaml:4:3: error: unknown key 'memmory' in limits; did you mean 'memory'? Allowed: memory, swap, …
        jobs/x.yaml:5:9: error: swap: '1GB': GB is read both ways: …
        ```

        Settings that are fine alone and cannot hold together are errors as well: `memory-soft` above `memory`; `swap` without
        `memory`; `private-tmp`, `mask-paths` or `shm: private` without `mount`; `hostname` without `uts`; `init: false` without `pid`;
        `oom-factor` without `memory`; `oom-max` without `oom-factor` or below `memory`; `backoff` above `backoff-max`.

        ## As JSON

        A job file may be JSON, with the same keys and the same spellings; its name then ends in `.json`. A text there is a
        string: the number `1.10` is `1.1`. Numbers and switches may be strings or themselves.

        ## Editors

        The JSON Schema of job files (draft 2020-12) gives completion and checks while typing, for example through
        yaml-language-server with `# yaml-language-server: $schema=PATH` in the first line.

        """
}

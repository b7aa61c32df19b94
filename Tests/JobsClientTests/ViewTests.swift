// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI
import JobsView
import Testing

@Suite struct ViewTests {
    @Test func clocks() {
        #expect([3, 765, 3723, 183_845].map { clock($0 * 1_000_000) } == ["00:03", "12:45", "1:02:03", "2-03:04:05"])
        #expect(clock(-5) == "00:00")
    }

    @Test func momentsAreReadBack() {
        for usec in [0, 1_795_543_482_932_123, 951_782_400_000_000, 1_709_210_096_000_001] {
            let time = Timestamp(microsecondsSinceEpoch: usec)
            #expect(moment(time.description) == time)
        }
        #expect(moment("2026-11-24T17:22:01Z") == Fixture.now)
        #expect(moment("yesterday") == nil)
    }

    @Test func timesOfDay() {
        let east = LocalTime { _ in 3600 }
        #expect(east.short(Fixture.now, now: Fixture.now) == "18:22:01")
        #expect(LocalTime.utc.short(moment("2026-11-23T08:05:00Z")!, now: Fixture.now) == "Nov 23 08:05")
        #expect(LocalTime.utc.short(moment("2025-11-23T08:05:00Z")!, now: Fixture.now) == "2025-11-23")
        let tokyo = LocalTime { _ in 9 * 3600 }
        #expect(
            tokyo.localized("job 23 ends by 2026-11-20T14:07:29.006917Z at the latest", now: Fixture.now)
                == "job 23 ends by Nov 20 23:07 at the latest")
        #expect(tokyo.localized("needs 2G,  1G free", now: Fixture.now) == "needs 2G,  1G free")
        #expect(east.startOfDay(Fixture.now) == moment("2026-11-23T23:00:00Z"))
    }

    @Test func widths() {
        #expect("ab日本".displayWidth == 6)
        #expect("ab日本".truncated(to: 5) == "ab日…")
        #expect("ab日本".truncated(to: 4) == "ab…")
        #expect("abc".truncated(to: 3) == "abc")
        #expect("7".padded(to: 3, right: true) == "  7")
        #expect(grouped(1_234_567) == "1,234,567")
        #expect(grouped(123) == "123")
    }

    @Test func theLineOfARunningJob() {
        var line = WaitLine()
        line.note(Fixture.running(42, seconds: 3))
        line.note(LiveUsage(job: 42, memoryCurrentBytes: 63 << 20))
        #expect(
            line.text(now: Fixture.now, Style(width: 80))
                == "job 42 running 00:03  memory 63M/100M [#############       ]")
        #expect(line.text(now: Fixture.now, Style(width: 30)) == "job 42 running 00:03  memory…")
        line.note(Fixture.job(42) { $0.reason = "waits for job 41" })
        #expect(line.text(now: Fixture.now, .plain) == "job 42 pending  waits for job 41")
    }

    @Test func theLineOfManyJobs() {
        var line = WaitLine()
        for id in 1...5 { line.note(Fixture.job(id)) }
        line.note(Fixture.running(1))
        line.note(Fixture.ended(2))
        #expect(line.text(now: Fixture.now, .plain) == "5 jobs: pending 3, running 1, completed 1")
    }

    @Test func redrawingLeavesTheRest() {
        var screen = Redraw()
        #expect(screen.over("a\nb\n", rows: 24) == "\ra\u{1B}[K\nb\u{1B}[K\n\u{1B}[J")
        #expect(screen.over("c\n", rows: 24) == "\u{1B}[2A\rc\u{1B}[K\n\u{1B}[J")
        #expect(screen.over("d\n", rows: 24).hasPrefix("\u{1B}[1A\r"))
        // A table higher than the screen would scroll, and be drawn again below itself.
        let high = screen.over(String(repeating: "x\n", count: 100), rows: 10)
        #expect(high.split(separator: "\n").count == 10)
    }

    @Test func parallelsFormat() {
        let jobs = [
            Fixture.ended(3, .completed, ago: 10),
            Fixture.job(2, .failed) {
                $0.startedAt = "2026-11-24T17:00:00.932400Z"
                $0.endedAt = "2026-11-24T17:00:01.144600Z"
                $0.wallTimeUsec = 212_200
                $0.exitSignal = 9
                $0.processExitCode = 137
                $0.command = "echo a\necho b"
            },
            Fixture.job(1, .failed) {
                $0.startedAt = "2026-11-24T16:00:00.000000Z"
                $0.endedAt = "2026-11-24T16:02:00.000000Z"
                $0.processExitCode = 125
            },
            Fixture.job(4, .cancelled) { $0.endedAt = Fixture.time(5) },
        ]
        #expect(
            JobLog.text(jobs)
                == "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"
                + "1\t:\t1795536000.000\t   120.000\t0\t0\t125\t0\tstress\n"
                + "2\t:\t1795539600.932\t     0.212\t0\t0\t0\t9\techo a\0echo b\n"
                + "3\t:\t1795540881.000\t    30.000\t0\t0\t0\t0\tstress\n")
    }

    /// Names, commands, reasons and the names of processes are anybody's words.
    @Test func nothingThatIsShownMovesTheCursor() throws {
        let evil = "x\u{1b}[2J\ny\u{9b}\u{202e}"
        var job = Fixture.ended(5, .failed, message: evil)
        (job.name, job.command, job.owner, job.group, job.reason) = (evil, evil, evil, evil, evil)
        var record = Record(
            job: JobIdentity(id: 5, name: evil, attempt: 1, owner: evil),
            verdict: Verdict(state: .failed, cause: .signal, exit: .init(signal: 9), message: evil),
            limits: EffectiveLimits(), usage: Usage(), host: HostDescription(kernel: "6.12", cgroupMode: "unified"))
        record.trust = [TrustFlag(.otherJobs, evil)]
        record.limits.unenforced = ["memory": evil]
        let account = JobAccount(
            job: job, attempts: [record.json],
            changes: [StateChange(job: 5, at: Fixture.time(9), state: .failed, cause: evil, attempt: 1, detail: evil)],
            now: Fixture.now)
        let texts = [
            account.text(.plain), Summary(record).text(colour: false),
            HistoryTable([job], now: Fixture.now, user: "pi").text(.plain), JobLog.text([job]),
        ]
        for text in texts {
            #expect(text.contains("\\e[2J") && !text.contains("\ny"), "\(text)")
            #expect(!text.unicodeScalars.contains { [0x1b, 0x9b, 0x202e].contains($0.value) }, "\(text)")
        }
    }

    @Test func theHistory() {
        let jobs = [Fixture.ended(5, ago: 100), Fixture.ended(6, .outOfMemory, ago: 90_000, message: "out of memory")]
        var table = HistoryTable(jobs, now: Fixture.now, user: "pi")
        table.time = .utc
        #expect(
            table.text(.plain) == """
                ID  NAME    STATE           TIME       MEM  ENDED         REASON
                 5  stress  completed      00:30  98M/100M  17:20:21      exited with 0
                 6  stress  out-of-memory  00:30  98M/100M  Nov 23 16:22  out of memory

                """)
    }

    @Test func everythingOfOneJob() {
        var account = JobAccount(
            job: Fixture.running(42),
            live: LiveUsage(memoryCurrentBytes: 63 << 20, cpuUsageUsec: 1_200_000, pidsCurrent: 4),
            changes: [
                StateChange(
                    job: 42, at: Fixture.time(3600), state: .pending, cause: nil, attempt: nil, detail: "submitted"),
                StateChange(job: 42, at: Fixture.time(63), state: .running, cause: nil, attempt: 1, detail: nil),
            ], now: Fixture.now)
        account.job.command = "stress --vm 1"
        account.job.attemptsMax = 2
        account.time = .utc
        #expect(
            account.text(.plain) == """
                job 42  stress  running
                  owner      pi
                  command    stress --vm 1
                  attempts   1 of 2
                  limits     memory 100M
                  submitted  2026-11-24 16:22:01
                  started    2026-11-24 17:20:58, 01:03 ago
                  uses now   memory 63M of 100M, cpu 1.2s, 4 processes

                history
                  16:22:01      pending        submitted
                  17:20:58      running        attempt 1

                """)
    }

    @Test func whyItWaits() {
        var account = JobAccount(job: Fixture.job(42) { $0.reason = "waits for job 41" }, now: Fixture.now)
        account.time = .utc
        #expect(account.text(.plain).contains("\n  waits      for job 41\n"))
    }
}

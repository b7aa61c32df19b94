// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI
import JobsView
import Testing

@Suite struct StatusTableTests {
    private func table(_ live: [JobView], _ finished: [JobView] = [], _ change: (inout StatusTable) -> Void = { _ in })
        -> StatusTable
    {
        var table = StatusTable(live: live, finished: finished, now: Fixture.now, user: "pi")
        table.time = .utc
        change(&table)
        return table
    }

    private let mixed: [JobView] = [
        Fixture.running(41),
        Fixture.job(43) {
            $0.memoryLimitBytes = 2 << 30
            $0.reason = "waits for memory: 2 G asked, 1.2 G free of 3.8 G; 41 holds 100 M"
        },
    ]
    private let ended = [Fixture.ended(40, .outOfMemory, message: "The kernel killed it: memory peak 98 M of 100 M")]

    @Test func withoutATerminalNothingIsCut() {
        #expect(
            table(mixed, ended).text(.plain) == """
                1 running, 1 pending, 1 finished today
                ID  NAME    STATE           TIME       MEM  REASON
                41  stress  running        01:03  63M/100M  stress --vm 1 --vm-bytes 60M --vm-hang 0 --timeout 600 --verbose and some more words to fill the line
                43  stress  pending                   -/2G  waits for memory: 2 G asked, 1.2 G free of 3.8 G; 41 holds 100 M
                40  stress  out-of-memory  00:30  98M/100M  The kernel killed it: memory peak 98 M of 100 M

                """)
    }

    @Test func at80Columns() {
        #expect(
            table(mixed, ended).text(Style(width: 80)) == """
                1 running, 1 pending, 1 finished today
                ID  NAME    STATE           TIME       MEM  REASON
                41  stress  running        01:03  63M/100M  stress --vm 1 --vm-bytes 60M --vm-h…
                43  stress  pending                   -/2G  waits for memory: 2 G asked, 1.2 G …
                40  stress  out-of-memory  00:30  98M/100M  The kernel killed it: memory peak 9…

                """)
    }

    @Test(arguments: [80, 100, 120]) func noLineIsWiderThanTheTerminal(width: Int) {
        let busy = Fixture.job(44, name: "a-name-that-is-longer-than-any-column") {
            $0.group = "gpu"
            $0.priority = -5
            $0.after = "ok:41,any:43"
            $0.attemptsMax = 3
            $0.begin = "2026-11-25T08:00:00.000000Z"
            $0.owner = "ann"
            $0.reason = "waits for 41"
        }
        let text = table(mixed + [busy], ended).text(Style(width: width))
        for line in text.split(separator: "\n").dropFirst() { #expect(line.count <= width) }
        #expect(text.contains("OWNER"))
    }

    @Test func columnsAppearWhenTheySayMore() {
        let plain = table(mixed).text(.plain)
        for title in ["OWNER", "GROUP", "PRIO", "AFTER", "ATTEMPT", "BEGIN"] { #expect(!plain.contains(title)) }
        let busy = Fixture.job(44) {
            $0.group = "gpu"
            $0.priority = -5
            $0.after = "ok:41"
            $0.attemptsMax = 3
            $0.begin = "2026-11-25T08:00:00.000000Z"
            $0.owner = "ann"
        }
        #expect(
            table([busy]).text(.plain) == """
                0 running, 1 pending, 0 finished today
                ID  OWNER  NAME    STATE    ATTEMPT  GROUP  PRIO  AFTER  BEGIN         TIME  MEM  REASON
                44  ann    stress  pending      0/3  gpu      -5  ok:41  Nov 25 08:00

                """)
    }

    @Test func colourStandsAroundTheStateAlone() {
        let text = table(mixed).text(Style(width: 80, colour: true))
        #expect(text.contains("stress  \u{1B}[1;34mrunning\u{1B}[0m  01:03"))
        #expect(!table(mixed).text(.plain).contains("\u{1B}"))
    }

    @Test func whatATerminalWouldObeyIsNotWritten() {
        let job = Fixture.ended(1, .failed, message: "cannot run \u{1B}]0;owned\u{7}\nx")
        #expect(table([], [job]).text(.plain).contains("cannot run \\e]0;owned\\x07\\nx"))
    }

    @Test func noJobsAtAll() {
        let text = table([]).text(Style(width: 80))
        #expect(text.split(separator: "\n").count == 2)
        #expect(text.contains("jobs submit -- sleep 10"))
        #expect(table([]) { $0.isDraining = true }.text(.plain).contains("jobs drain --off"))
    }

    private func array(_ first: Int, _ states: [JobState]) -> [JobView] {
        states.enumerated().map { offset, state in
            Fixture.job(first + offset, state, name: "sweep") {
                $0.arrayID = first
                $0.arrayIndex = offset
                if state == .pending { $0.reason = "array limit: 8 at once" }
                if state == .completed { $0.endedAt = Fixture.time(offset) }
            }
        }
    }

    @Test func anArrayIsOneRow() {
        let jobs = array(
            42,
            Array(repeating: .completed, count: 12) + Array(repeating: .running, count: 8)
                + Array(repeating: .pending, count: 80))
        let live = jobs.filter(\.state.isLive)
        let finished = jobs.filter { !$0.state.isLive }
        #expect(
            table(live, finished).text(.plain) == """
                8 running, 80 pending, 12 finished today
                    ID  NAME         STATE    TIME  MEM  REASON
                42-141  sweep[0-99]  running             pending 80, running 8, completed 12; next: array limit: 8 at once

                """)
        let all = table(live, finished) { $0.all = true }.text(.plain)
        #expect(all.split(separator: "\n").count == 102)
        #expect(all.contains("sweep[99]"))
    }

    @Test func tenThousandJobs() {
        let live =
            [Fixture.running(1)] + (2...10_000).map { Fixture.job($0) { $0.reason = "9,000 jobs are before it" } }
        let lines = table(live, (20_000..<20_017).map { Fixture.ended($0) }).text(Style(width: 100)).split(
            separator: "\n")
        #expect(lines[0] == "1 running, 9,999 pending, 17 finished today")
        #expect(lines.count == 1 + 1 + 1 + StatusTable.rowsOfPending + StatusTable.rowsOfFinished + 1)
        #expect(lines.last == "… and 9,984 more (jobs status --all)")
        #expect(lines[3].contains("  2  stress"))
    }

    /// Of a hundred thousand jobs the daemon sends the first, and counts the others.
    @Test func theFirstOfManyAndTheirCounts() {
        var totals = ArrayTotals(id: 42, lastID: 100_041, firstIndex: 0, lastIndex: 99_999)
        totals.states = [.pending: 99_900, .running: 8, .completed: 92]
        var counts = CountsView()
        counts.live = [.pending: 99_950, .running: 8, .held: 3]
        counts.ended = 1_092
        counts.arrays = [totals]
        let jobs = array(42, [.completed, .running, .pending, .pending]) + [Fixture.job(7)]
        let live = jobs.filter(\.state.isLive)
        let finished = jobs.filter { !$0.state.isLive }
        let lines = table(live, finished) { $0.counts = counts }.text(.plain).split(separator: "\n")
        #expect(lines[0] == "8 running, 99,950 pending, 3 held, 1,092 finished today")
        #expect(lines[2].hasPrefix("42-100041  sweep[0-99999]  running"), "\(lines)")
        #expect(lines[2].contains("pending 99,900, running 8, completed 92; next: array limit"), "\(lines)")
        // Those of the array are told in its row, job 7 has one of its own.
        #expect(lines.last == "… and 52 more (jobs status --all)")
    }

    @Test func thoseOfHigherPriorityComeFirst() {
        let lines = table([Fixture.job(1), Fixture.job(2) { $0.priority = 5 }, Fixture.job(3, .held)]).text(.plain)
            .split(separator: "\n").dropFirst(2)
        #expect(lines.map { $0.prefix(2) } == [" 2", " 1", " 3"])
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import Queue
import TestSupport
import Testing

private typealias Table = JobTable<String>
private typealias Event = PhaseEvent<String>

private func attempt(_ number: Int = 1) -> LiveAttempt<String> {
    LiveAttempt(
        job: pending(7), document: JobDocument(spec: "", context: ""), spec: JobSpec(name: "sim"), number: number,
        handle: "attempt \(number)")
}

private func ended(_ number: Int = 1) -> EndedAttempt<String> {
    EndedAttempt(attempt: attempt(number), changes: [], sequel: .none)
}

/// Names for tables of expectations; of data the number of the attempt alone.
extension Phase {
    fileprivate var word: String {
        switch self {
        case .waiting: "waiting"
        case .unpreparable: "unpreparable"
        case .prepared: "prepared"
        case .revoking(_, _, .wait): "revoking"
        case .revoking(_, _, .waitUnprepared): "failed"
        case .revoking(_, _, .start): "due"
        case .revoking(_, _, .leave): "leaving"
        case .starting: "starting"
        case .running: "running"
        case .ending(_, true): "ending"
        case .ending(_, false): "delayed"
        }
    }
}

extension PhaseAction {
    fileprivate var word: String {
        switch self {
        case .none: "none"
        case .late: "late"
        case .impossible: "impossible"
        case .launch: "launch"
        case .begin: "begin"
        case .revoke: "revoke"
        case .startAgain: "start again"
        case .abandon: "abandon"
        case .write: "write"
        case .follow: "follow"
        case .giveUp: "give up"
        }
    }
}

private let phases: [Phase<String>] = [
    .waiting, .unpreparable, .prepared(attempt(), since: 5), .revoking(attempt(), since: 5, then: .wait),
    .revoking(attempt(), since: 5, then: .waitUnprepared), .revoking(attempt(), since: 5, then: .start),
    .revoking(attempt(), since: 5, then: .leave), .starting(attempt()), .running(attempt()),
    .ending(ended(), isBeingWritten: true), .ending(ended(), isBeingWritten: false),
]

/// Each event with the results for all phases, in their order: `.` is late, `!` impossible.
private let results: [(event: Event, expected: [String])] = [
    (.prepare(attempt(), at: 5), ["prepared none", "!", "!", "!", "!", "!", "!", "!", "!", "!", "!"]),
    (.cannotPrepare, ["unpreparable none", "unpreparable none", "!", "!", "!", "!", "!", "!", "!", "!", "!"]),
    (
        .revoke(isGone: true),
        [
            ".", ".", "waiting none", "waiting none", "unpreparable none", "waiting start again", "waiting none", "!",
            "!", "!", "!",
        ]
    ),
    (
        .revoke(isGone: false),
        [".", ".", "revoking none", "revoking none", "failed none", "due none", "leaving none", "!", "!", "!", "!"]
    ),
    (
        .endBeforeTurn(number: 1),
        [
            ".", ".", "failed revoke", "failed revoke", "failed revoke", "due revoke", "leaving revoke", "!", "!", ".",
            ".",
        ]
    ),
    (
        .start,
        [
            "waiting launch", "waiting launch", "starting begin", "due none", "due none", "due none", "due none", "!",
            "!", "!", "!",
        ]
    ),
    (.begin(attempt()), ["starting none", "starting none", "!", "!", "!", "!", "!", "!", "!", "!", "!"]),
    (.adopt(attempt()), ["running none", "!", "!", "!", "!", "!", "!", "!", "!", "!", "!"]),
    (.startWritten(number: 1), [".", ".", ".", ".", ".", ".", ".", "running none", "!", ".", "."]),
    (
        .startRefused(number: 1),
        [".", ".", ".", ".", ".", ".", ".", "waiting abandon", "!", "waiting abandon", "waiting abandon"]
    ),
    (.end(ended()), [".", ".", "!", "!", "!", "!", "!", "ending write", "ending write", ".", "."]),
    (.endWritten(number: 1), [".", ".", ".", ".", ".", ".", ".", ".", ".", "waiting follow", "!"]),
    (.endRefused(number: 1), [".", ".", ".", ".", ".", ".", ".", ".", ".", "waiting give up", "!"]),
    (.endDelayed(number: 1), [".", ".", ".", ".", ".", ".", ".", ".", ".", "delayed none", "!"]),
    (.writeEnd, [".", ".", ".", ".", ".", ".", ".", ".", ".", ".", "ending write"]),
    (
        .leave,
        [
            "waiting none", "waiting none", "leaving revoke", "leaving none", "leaving none", "leaving none",
            "leaving none", "waiting abandon", "!", "waiting abandon", "waiting abandon",
        ]
    ),
]

@Suite struct PhaseTests {
    @Test func `each event has one result in each phase`() {
        for (event, expected) in results {
            #expect(expected.count == phases.count)
            for (phase, expected) in zip(phases, expected) {
                let (next, action) = phase.apply(event)
                switch expected {
                case ".": #expect(action.word == "late" && next.word == phase.word, "\(phase.word), \(event)")
                case "!": #expect(action.word == "impossible" && next.word == phase.word, "\(phase.word), \(event)")
                default: #expect("\(next.word) \(action.word)" == expected, "\(phase.word), \(event)")
                }
            }
        }
    }

    @Test func `news of an attempt with another number is late everywhere`() {
        let news: [Event] = [
            .endBeforeTurn(number: 2), .startWritten(number: 2), .startRefused(number: 2), .end(ended(2)),
            .endWritten(number: 2), .endRefused(number: 2), .endDelayed(number: 2),
        ]
        for event in news {
            for phase in phases { #expect(phase.apply(event).action.word == "late", "\(phase.word), \(event)") }
        }
    }

    @Test func `after its job has left, whatever a start and an end meet on the disk is late`() {
        for phase in [Phase.starting(attempt()), .ending(ended(), isBeingWritten: true)] {
            let left = phase.apply(.leave).phase
            for event in [Event.startRefused(number: 1), .endRefused(number: 1), .endDelayed(number: 1)] {
                #expect(left.apply(event).action.word == "late", "\(phase.word), \(event)")
            }
        }
    }

    @Test func `an attempt keeps its data from its launch to the record of its end`() {
        var phase = Phase<String>.waiting.apply(.prepare(attempt(3), at: 5)).phase
        phase = phase.apply(.start).phase
        phase = phase.apply(.startWritten(number: 3)).phase
        phase = phase.apply(.end(ended(3))).phase
        phase = phase.apply(.endDelayed(number: 3)).phase
        phase = phase.apply(.writeEnd).phase
        guard case .follow(let ended) = phase.apply(.endWritten(number: 3)).action else {
            return #expect(Bool(false), "\(phase.word)")
        }
        #expect(ended.attempt.handle == "attempt 3" && ended.attempt.job.id == 7)
    }
}

@Suite struct JobTableTests {
    @Test func `a job that waits takes nothing`() {
        var table = Table()
        _ = table.apply(.prepare(attempt(), at: 5), to: 7)
        #expect(table.count == 1 && table.allAhead == [7] && table.preparedSince(7) == 5)
        _ = table.apply(.revoke(isGone: true), to: 7)
        #expect(table.count == 0 && table.allAhead.isEmpty)
        _ = table.apply(.cannotPrepare, to: 7)
        #expect(table.count == 1 && !table.mayPrepare(7))
        _ = table.apply(.leave, to: 7)
        #expect(table.count == 0)
    }

    @Test func `a locked job stays until it is unlocked`() {
        var table = Table()
        table.lock(7)
        _ = table.apply(.begin(attempt()), to: 7)
        _ = table.apply(.startRefused(number: 1), to: 7)
        #expect(table.isLocked(7) && table.count == 1)
        table.unlock(7)
        table.unlock(7)
        #expect(table.count == 0 && !table.isLocked(7))
    }

    @Test func `an attempt is changed while it is under way, and not afterwards`() {
        var table = Table()
        let key = AttemptKey(job: 7, number: 1)
        _ = table.apply(.begin(attempt()), to: 7)
        table.amend(key) { $0.handle = "launched" }
        #expect(table.underWay(7)?.handle == "launched" && !table.isStartWritten(7))
        table.amend(AttemptKey(job: 7, number: 2)) { $0.handle = "another" }
        _ = table.apply(.startWritten(number: 1), to: 7)
        #expect(table.underWay(7)?.handle == "launched" && table.isStartWritten(7))
        _ = table.apply(.end(ended()), to: 7)
        table.amend(key) { $0.handle = "too late" }
        #expect(table.underWay(7) == nil && table.begun == [key] && table.allEnding == [7])
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `whatever happens, each job is in the lists of its phase and in no others`(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var table = Table()
        for _ in 1...2000 {
            let id = Int.random(in: 1...5, using: &random)
            // The number is right in most cases.
            let number = Int.random(in: 1...4, using: &random) == 1 ? 2 : 1
            let news: [Event] = [
                .prepare(attempt(), at: 5), .cannotPrepare, .revoke(isGone: true), .revoke(isGone: false),
                .endBeforeTurn(number: number), .start, .begin(attempt()), .adopt(attempt()),
                .startWritten(number: number), .startRefused(number: number), .end(ended(number)),
                .endWritten(number: number), .endRefused(number: number), .endDelayed(number: number), .writeEnd,
                .leave,
            ]
            if Bool.random(using: &random) {
                if table.isLocked(id) { table.unlock(id) } else { table.lock(id) }
            }
            // Not empty.
            _ = table.apply(news.randomElement(using: &random)!, to: id)
            for id in 1...5 {
                let word = table.phase(of: id).word
                let isAhead = ["prepared", "revoking", "failed", "due", "leaving"].contains(word)
                #expect(table.allAhead.contains(id) == isAhead && (table.ahead(id) != nil) == isAhead)
                let isUnderWay = ["starting", "running"].contains(word)
                #expect(table.allUnderWay.contains(id) == isUnderWay && (table.underWay(id) != nil) == isUnderWay)
                #expect(table.allEnding.contains(id) == ["ending", "delayed"].contains(word))
            }
            let entries = (1...5).count { table.phase(of: $0).word != "waiting" || table.isLocked($0) }
            #expect(table.count == entries)
        }
    }

    @Test func `an entry is small`() {
        // A box and two flags: the data of a phase lies elsewhere, and only where there is some.
        #expect(MemoryLayout<Phase<String>>.size <= 8)
    }
}

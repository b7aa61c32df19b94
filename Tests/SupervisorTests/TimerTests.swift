// SPDX-License-Identifier: Apache-2.0
import Linux
import Supervisor
import Testing

@Suite struct TimerTests {
    /// Handlers write down their names; the one called "end" ends the loop.
    private final class Diary {
        let loop: EventLoop
        var words: [String] = []

        init() throws { loop = try EventLoop() }

        func note(_ word: String) -> () -> Void {
            { [self] in
                words.append(word)
                if word == "end" { loop.stop() }
            }
        }
    }

    @Test func `handlers are called by their moments, and of one moment as they came`() throws {
        let diary = try Diary()
        diary.loop.after(3000, diary.note("end"))
        diary.loop.after(2000, diary.note("third"))
        let now = diary.loop.realtime
        for word in ["first", "second"] { diary.loop.at(now, diary.note(word)) }
        try diary.loop.run()
        #expect(diary.words == ["first", "second", "third", "end"])
    }

    @Test func `a handler that is due can still be cancelled by one before it`() throws {
        let diary = try Diary()
        let now = diary.loop.realtime
        var second: TimerQueue.ID?
        diary.loop.at(now) {
            diary.words.append("first")
            if let second { diary.loop.cancel(second) }
        }
        second = diary.loop.at(now, diary.note("second"))
        diary.loop.at(now + 1, diary.note("end"))
        try diary.loop.run()
        #expect(diary.words == ["first", "end"])
    }

    @Test func `cancelling twice, or after the call, takes nothing else away`() throws {
        let diary = try Diary()
        let first = diary.loop.after(1, diary.note("first"))
        let second = diary.loop.after(1, diary.note("second"))
        for _ in 1...2 { diary.loop.cancel(second) }
        diary.loop.after(2) {
            diary.loop.cancel(first)
            diary.words.append("third")
        }
        diary.loop.after(1000, diary.note("end"))
        try diary.loop.run()
        #expect(diary.words == ["first", "third", "end"])
    }

    @Test func `a handler that adds itself anew for the past does not keep others waiting`() throws {
        let diary = try Diary()
        func again() { diary.loop.at(0, again) }
        again()
        diary.loop.after(0, diary.note("end"))
        try diary.loop.run()
        #expect(diary.words == ["end"])
    }

    @Test func `moments of any size are taken`() throws {
        let diary = try Diary()
        for moment in [Int.min, -1, 0] { diary.loop.at(moment, diary.note("past")) }
        for pause in [Int.min, -1] { diary.loop.after(pause, diary.note("at once")) }
        diary.loop.at(.max, diary.note("never"))
        diary.loop.after(.max, diary.note("never"))
        diary.loop.after(10_000, diary.note("end"))
        try diary.loop.run()
        #expect(diary.words.filter { $0 == "past" }.count == 3)
        #expect(diary.words.filter { $0 == "at once" }.count == 2)
        #expect(!diary.words.contains("never"))
    }
}

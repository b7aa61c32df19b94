// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import Queue
import Testing

@Suite struct ExpiryTests {
    private let clock = TestClock()

    private func ended(outputBytes: Int) -> [Change] {
        let verdict = Verdict(state: .completed, cause: .success, exit: .init(code: 0), message: "")
        return [
            .attemptEnded(
                job: 1, number: 1, verdict: verdict, figures: AttemptFigures(outputBytes: outputBytes), record: "{}",
                at: noon)
        ]
    }

    @Test func `a look is due after a hundredth of the jobs or bytes that may stay`() {
        let byNumber = Expiry(RetentionPolicy(jobs: 300), outputQuota: nil, clock: clock)
        #expect((1...4).map { _ in byNumber.note([]) } == [false, false, false, true])
        _ = byNumber.begin()
        #expect(!byNumber.note([]), "counted anew")
        let bySize = Expiry(RetentionPolicy(bytes: 1000), outputQuota: 500, clock: clock)
        #expect(!bySize.note(ended(outputBytes: 5)))
        #expect(bySize.note(ended(outputBytes: 1)))
        #expect(bySize.note(ended(outputBytes: .max)), "a file may seem to have any length")
    }

    @Test func `one look at a time, and none if everything stays`() {
        let expiry = Expiry(RetentionPolicy(jobs: 1), outputQuota: nil, clock: clock)
        #expect(expiry.begin()?.keep == 1)
        #expect(expiry.begin() == nil)
        expiry.end(oldest: nil) {}
        #expect(expiry.begin() != nil)
        #expect(Expiry(RetentionPolicy(), outputQuota: nil, clock: clock).begin() == nil)
        #expect(Expiry(RetentionPolicy(), outputQuota: 7, clock: clock).begin()?.keepBytesOfEach == 7)
    }

    @Test func `the oldest job that stays is looked at when it is too old`() {
        let expiry = Expiry(RetentionPolicy(ageUsec: 60_000_000), outputQuota: nil, clock: clock)
        var looks = 0
        #expect(expiry.note([]), "the first end starts the clock")
        #expect(expiry.begin()?.endedBefore?.microsecondsSinceEpoch == noon.microsecondsSinceEpoch - 60_000_000)
        expiry.end(oldest: noon) { looks += 1 }
        #expect(!expiry.note([]))
        clock.advance(by: 60_999_999)
        #expect(looks == 0)
        clock.advance(by: 1)
        #expect(looks == 1)
        #expect(expiry.note([]), "nothing is awaited any more")
    }

    @Test func `an end that a damaged row puts at the end of time is no trap`() {
        let expiry = Expiry(RetentionPolicy(ageUsec: .max), outputQuota: nil, clock: clock)
        expiry.end(oldest: Timestamp(microsecondsSinceEpoch: .max)) {}
        #expect(clock.waiting == 1)
    }
}

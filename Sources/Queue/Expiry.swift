// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import Linux

/// The moments at which finished jobs that are too many, too old or too large have to leave.
///
/// It removes nothing itself: its owner asks whether a look at the store is due, looks, and tells what is left.
package final class Expiry {
    /// A look finds what has ended within so much time together.
    private static let slackUsec = 1_000_000

    private let policy: RetentionPolicy
    /// Bytes of output that each user may keep; `nil` for no limit.
    private let outputQuota: Int?
    private let clock: any QueueClock
    private var isLooking = false
    /// Since the last look: the store is asked once in a hundredth of what may stay.
    private var ends = 0
    private var bytes = 0
    /// Set while the oldest finished job is going to be too old.
    private var timer: TimerQueue.ID?

    package init(_ policy: RetentionPolicy, outputQuota: Int?, clock: any QueueClock) {
        self.policy = policy
        self.outputQuota = outputQuota
        self.clock = clock
    }

    /// A job has ended, or an attempt of it.
    ///
    /// - Returns: whether a look is due.
    package func note(_ changes: [Change]) -> Bool {
        ends += 1
        for case .attemptEnded(_, _, _, let figures, _, _) in changes {
            // A job may have made its files as long as it liked.
            bytes = bytes.addingOrMost(figures.outputBytes ?? 0)
        }
        let most = min(policy.bytes ?? .max, outputQuota ?? .max)
        let isDue = policy.jobs.map { ends > $0 / 100 } ?? false || bytes > most / 100
        // The first end starts the clock for its age.
        return isDue || (policy.ageUsec != nil && timer == nil)
    }

    /// Begins a look, which ``end(oldest:look:)`` ends.
    ///
    /// - Returns: the limits for the store; `nil` if nothing ever leaves, or a look is under way.
    package func begin() -> Retention? {
        guard policy != RetentionPolicy() || outputQuota != nil, !isLooking else { return nil }
        isLooking = true
        ends = 0
        bytes = 0
        var bound = Retention(
            endedBefore: policy.ageUsec.map { Timestamp(microsecondsSinceEpoch: clock.realtime - $0) },
            keep: policy.jobs, keepBytes: policy.bytes)
        bound.keepBytesOfEach = outputQuota
        bound.exempt = Quotas.exempt
        return bound
    }

    /// A look has ended.
    ///
    /// - Parameters:
    ///   - oldest: the end of the oldest job that stays; `nil` if there is none, or if it is not known.
    ///   - look: called when that job is too old.
    package func end(oldest: Timestamp?, look: @escaping () -> Void) {
        isLooking = false
        guard let age = policy.ageUsec, let oldest else { return }
        if let timer { clock.cancel(timer) }
        let moment = oldest.microsecondsSinceEpoch.addingOrMost(age).addingOrMost(Self.slackUsec)
        timer = clock.at(moment) { [self] in
            timer = nil
            look()
        }
    }
}

extension Int {
    /// The sum, or the largest number where it would be larger.
    fileprivate func addingOrMost(_ other: Int) -> Int {
        let (sum, overflows) = addingReportingOverflow(other)
        return overflows ? .max : sum
    }
}

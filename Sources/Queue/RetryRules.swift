// SPDX-License-Identifier: Apache-2.0
import JobModel

/// The rules for the step after an attempt: a function of the job's policy and the verdict, and nothing else.
package enum RetryRules {
    package enum Next: Hashable, Sendable {
        /// The verdict is the job's.
        case final
        /// Another attempt, not before so many microseconds; with this memory limit if it is another one.
        case again(afterUsec: Int, memory: ByteCount?)
        /// A person has to look at it.
        case hold(reason: String)
    }

    /// - Parameters:
    ///   - attempt: the number of the attempt that ended, from 1.
    ///   - memory: the memory limit it ran with.
    package static func next(
        after verdict: Verdict, attempt: Int, policy: RetryPolicy, memory: ByteCount?
    ) -> Next {
        switch (verdict.state, verdict.cause) {
        case (.outOfMemory, .ownLimit): afterOwnLimit(policy, memory: memory)
        // More memory for the job would not have helped the machine, and trying again at once makes it worse.
        case (.outOfMemory, _), (.completed, _), (.cancelled, _), (.skipped, _): .final
        // A file that cannot be executed now cannot be executed in ten seconds.
        case (_, .notExecutable): .final
        default:
            policy.states.contains(verdict.state) && attempt <= policy.retries
                ? .again(afterUsec: backoff(policy, attempt: attempt), memory: nil) : .final
        }
    }

    private static func afterOwnLimit(_ policy: RetryPolicy, memory: ByteCount?) -> Next {
        guard let factor = policy.memoryFactor, let memory else { return .final }
        let wanted = Int(min(Double(memory.bytes) * factor, Double(ByteCount.largest.bytes)))
        let ceiling = policy.memoryCeiling?.bytes ?? ByteCount.largest.bytes
        let next = min(wanted, ceiling)
        guard next > memory.bytes else {
            return .hold(
                reason: "it ran out of memory at its ceiling of \(memory); `jobs release --memory SIZE` gives it more")
        }
        // No pause: the reason is known and the remedy is taken.
        return .again(afterUsec: 0, memory: ByteCount(next))
    }

    /// Doubles with every attempt, up to the ceiling.
    package static func backoff(_ policy: RetryPolicy, attempt: Int) -> Int {
        let ceiling = policy.backoffCeiling.microseconds
        var pause = policy.backoff.microseconds
        for _ in 1..<max(1, attempt) where pause < ceiling {
            let (doubled, overflow) = pause.multipliedReportingOverflow(by: 2)
            if pause == 0 || overflow { return overflow ? ceiling : 0 }
            pause = doubled
        }
        return min(pause, ceiling)
    }
}

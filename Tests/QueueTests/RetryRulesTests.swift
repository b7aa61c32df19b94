// SPDX-License-Identifier: Apache-2.0
import JobModel
import Queue
import Testing

// Swift Testing has one, too.
private typealias ExitStatus = JobModel.ExitStatus

@Suite struct RetryRulesTests {
    private func next(
        _ state: JobState, _ cause: Cause, attempt: Int = 1, memory: ByteCount? = ByteCount(1 << 20),
        _ change: (inout RetryPolicy) -> Void = { _ in }
    ) -> RetryRules.Next {
        var policy = RetryPolicy()
        policy.retries = 2
        change(&policy)
        let verdict = Verdict(state: state, cause: cause, exit: ExitStatus(), message: "")
        return RetryRules.next(after: verdict, attempt: attempt, policy: policy, memory: memory)
    }

    @Test func `a failure is tried again as often as the policy says, and no more`() {
        #expect(next(.failed, .exitStatus) == .again(afterUsec: 10_000_000, memory: nil))
        #expect(next(.failed, .exitStatus, attempt: 2) == .again(afterUsec: 20_000_000, memory: nil))
        #expect(next(.failed, .exitStatus, attempt: 3) == .final)
        #expect(next(.timeout, .wallTime) { $0.states = [.failed] } == .final)
    }

    @Test func `an end that another attempt would not change is final`() {
        #expect(next(.completed, .success) == .final)
        #expect(next(.cancelled, .cancelled) == .final)
        #expect(next(.failed, .notExecutable) == .final)
        #expect(next(.outOfMemory, .system) { $0.memoryFactor = 2 } == .final)
    }

    @Test func `after its own memory limit a job has more memory, up to its ceiling, and is held then`() {
        #expect(next(.outOfMemory, .ownLimit) == .final)
        #expect(
            next(.outOfMemory, .ownLimit, attempt: 99) { $0.memoryFactor = 2 }
                == .again(afterUsec: 0, memory: ByteCount(2 << 20)))
        #expect(
            next(.outOfMemory, .ownLimit) { ($0.memoryFactor, $0.memoryCeiling) = (4, ByteCount(3 << 20)) }
                == .again(afterUsec: 0, memory: ByteCount(3 << 20)))
        let atCeiling = next(.outOfMemory, .ownLimit) { ($0.memoryFactor, $0.memoryCeiling) = (4, ByteCount(1 << 20)) }
        guard case .hold(let reason) = atCeiling else { return #expect(Bool(false), "\(atCeiling)") }
        #expect(reason.contains("jobs release --memory"))
        #expect(next(.outOfMemory, .ownLimit, memory: nil) { $0.memoryFactor = 2 } == .final)
    }

    @Test func `no factor and no number of attempts leaves the numbers`() {
        let huge = next(.outOfMemory, .ownLimit, memory: .largest) { $0.memoryFactor = .greatestFiniteMagnitude }
        guard case .hold = huge else { return #expect(Bool(false), "\(huge)") }
        let late = next(.failed, .exitStatus, attempt: 1_000_000) { $0.retries = .max }
        #expect(late == .again(afterUsec: 360_000_000, memory: nil))
        #expect(
            next(.failed, .exitStatus, attempt: 9) { ($0.retries, $0.backoff) = (9, .seconds(0)) }
                == .again(afterUsec: 0, memory: nil))
    }
}

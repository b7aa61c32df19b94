// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import Testing

@Suite struct TransitionTests {
    private static let live: Set<JobState> = [.pending, .held, .running, .suspended]
    private static let final = Set(JobState.allCases).subtracting(live)

    /// All that may happen; everything else may not.
    private static func allowed(_ state: JobState) -> [JobEvent: JobState] {
        var allowed: [JobEvent: JobState] = [:]
        switch state {
        case .pending:
            allowed[.started] = .running
            for next in [JobState.held, .cancelled, .skipped] { allowed[.changed(next)] = next }
        case .held:
            for next in [JobState.pending, .cancelled, .skipped] { allowed[.changed(next)] = next }
        case .running, .suspended:
            for next in final where next != .skipped { allowed[.ended(next)] = next }
            let other: JobState = state == .running ? .suspended : .running
            allowed[.changed(other)] = other
        default:
            for next in [JobState.pending, .held] { allowed[.changed(next)] = next }
            allowed[.removed] = state
        }
        return allowed
    }

    @Test(arguments: JobState.allCases) func everyEvent(in state: JobState) {
        let events: [JobEvent] =
            [.started, .removed] + JobState.allCases.map { .changed($0) } + JobState.allCases.map { .ended($0) }
        for event in events { #expect(state.after(event) == Self.allowed(state)[event], "\(state) \(event)") }
    }
}

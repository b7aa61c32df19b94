// SPDX-License-Identifier: Apache-2.0
import JobModel

/// What can happen to a job that the store knows.
package enum JobEvent: Hashable, Sendable {
    case started
    case ended(JobState)
    case changed(JobState)
    case removed
}

extension JobEvent: CustomStringConvertible {
    package var description: String {
        switch self {
        case .started: "start an attempt"
        case .ended(let state): "end an attempt as \(state.rawValue)"
        case .changed(let state): "become \(state.rawValue)"
        case .removed: "be removed"
        }
    }
}

extension JobState {
    /// The state after an event, or `nil` if it cannot happen now.
    ///
    /// A job has an open attempt exactly while it is running or suspended: only `started` leads there and only `ended`
    /// leads away, so that no attempt is ever left without an end or gets two.
    ///
    /// - Returns: `self` for ``JobEvent/removed``, which leaves no job behind.
    package func after(_ event: JobEvent) -> JobState? {
        switch (self, event) {
        case (.pending, .started): .running
        case (.running, .ended(let end)), (.suspended, .ended(let end)): end.isFinal && end != .skipped ? end : nil
        case (.pending, .changed(.held)), (.held, .changed(.pending)): to(event)
        case (.pending, .changed(.cancelled)), (.held, .changed(.cancelled)): .cancelled
        case (.pending, .changed(.skipped)), (.held, .changed(.skipped)): .skipped
        case (.running, .changed(.suspended)), (.suspended, .changed(.running)): to(event)
        // A retry, by policy or by hand: the same job's next attempt.
        case (_, .changed(.pending)) where isFinal, (_, .changed(.held)) where isFinal: to(event)
        case (_, .removed) where isFinal: self
        default: nil
        }
    }

    private func to(_ event: JobEvent) -> JobState? {
        if case .changed(let state) = event { state } else { nil }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// The place of a live job between two attempts or within one, with the data that belongs to it.
///
/// It is about this daemon; the state that people see, and that a restart reads, is on disk (`JobState`).
package indirect enum Phase<Handle> {
    /// No attempt is under way.
    case waiting
    /// The same; an attempt that was launched before its turn has failed, and another one would not fare better.
    case unpreparable
    /// The next attempt is launched and waits at its gate for the job's turn, since that moment of the monotonic clock.
    case prepared(LiveAttempt<Handle>, since: Int)
    /// Such an attempt has been killed, and the kernel still has it. There cannot be two of one number.
    case revoking(LiveAttempt<Handle>, since: Int, then: Sequel)
    /// The job's turn has come; the start is not on disk yet.
    case starting(LiveAttempt<Handle>)
    /// The start is on disk.
    case running(LiveAttempt<Handle>)
    /// The attempt has ended, and its end is not on disk yet. Not being written, it waits for a disk in trouble.
    case ending(EndedAttempt<Handle>, isBeingWritten: Bool)

    /// The step after a revoked attempt is gone.
    package enum Sequel: Sendable {
        case wait
        /// The same, and no other attempt is prepared: this one has failed by itself.
        case waitUnprepared
        /// The job's turn has come meanwhile.
        case start
        /// The job has ended meanwhile.
        case leave
    }
}

/// News for the phase of one job.
package enum PhaseEvent<Handle> {
    /// An attempt was launched before its turn, at that moment of the monotonic clock.
    case prepare(LiveAttempt<Handle>, at: Int)
    /// No attempt could be launched before its turn.
    case cannotPrepare
    /// An attempt that waited at its gate was killed: it is gone, or the kernel holds it.
    case revoke(isGone: Bool)
    /// An attempt ended that waited at its gate, or that was revoked.
    case endBeforeTurn(number: Int)
    /// The scheduler has picked the job.
    case start
    /// The attempt of a job that was picked is under way; it need not be launched yet.
    case begin(LiveAttempt<Handle>)
    /// The attempt of an earlier daemon is under way, and its start is on disk.
    case adopt(LiveAttempt<Handle>)
    /// The start of an attempt is on disk.
    case startWritten(number: Int)
    /// The start of an attempt will not be on disk, so that its command has not run and does not run.
    case startRefused(number: Int)
    /// An attempt has ended.
    case end(EndedAttempt<Handle>)
    /// The end of an attempt is on disk.
    case endWritten(number: Int)
    /// The end of an attempt was refused for what it says.
    case endRefused(number: Int)
    /// The end of an attempt could not be written, because the disk is in trouble.
    case endDelayed(number: Int)
    /// The disk takes writes again.
    case writeEnd
    /// The job has ended without an attempt, or was not stored.
    case leave
}

/// The things to be done because of an event.
package enum PhaseAction<Handle> {
    case none
    /// Nothing: the event is about an attempt that is over. That is normal.
    case late
    /// Nothing: the event contradicts the phase. That is a mistake in the queue.
    case impossible
    /// Launch an attempt; ``PhaseEvent/begin(_:)`` follows.
    case launch
    /// Begin the attempt that waits at its gate.
    case begin(LiveAttempt<Handle>)
    /// Kill the attempt that waits at its gate; ``PhaseEvent/revoke(isGone:)`` follows.
    case revoke(LiveAttempt<Handle>)
    /// The attempt is gone that stood in the way: ``PhaseEvent/start`` follows if the job may still start.
    case startAgain
    /// Take away an attempt whose command has not run.
    case abandon(LiveAttempt<Handle>)
    /// Write the end.
    case write(EndedAttempt<Handle>)
    /// The end is on disk: what waited for it goes on.
    case follow(EndedAttempt<Handle>)
    /// The end never will be on disk: the job is given up.
    case giveUp(EndedAttempt<Handle>)
}

/// Names for the log, without the data.
extension Phase {
    package var name: String { caseName(of: self) }
}

extension PhaseEvent {
    package var name: String { caseName(of: self) }
}

/// The name of an enum's case; of one without data as it is printed.
private func caseName(of value: some Any) -> String {
    Mirror(reflecting: value).children.first?.label ?? "\(value)"
}

extension Phase: Sendable where Handle: Sendable {}
extension PhaseEvent: Sendable where Handle: Sendable {}
extension PhaseAction: Sendable where Handle: Sendable {}

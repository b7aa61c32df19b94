// SPDX-License-Identifier: Apache-2.0

extension Phase {
    /// The next phase, and what is to be done by then.
    package typealias Step = (phase: Phase, action: PhaseAction<Handle>)

    /// The one place where a job goes from a phase to another.
    ///
    /// Without a `default`, so that the compiler asks for each pair when a phase or an event is added.
    package func apply(_ event: PhaseEvent<Handle>) -> Step {
        switch event {
        case .prepare(let attempt, let moment): prepare(attempt, at: moment)
        case .cannotPrepare: cannotPrepare()
        case .revoke(let isGone): revoke(isGone: isGone)
        case .endBeforeTurn(let number): endBeforeTurn(number)
        case .start: start()
        case .begin(let attempt): begin(attempt)
        case .adopt(let attempt): adopt(attempt)
        case .startWritten(let number): startWritten(number)
        case .startRefused(let number): startRefused(number)
        case .end(let ended): end(ended)
        case .endWritten(let number): endWritten(number)
        case .endRefused(let number): endRefused(number)
        case .endDelayed(let number): endDelayed(number)
        case .writeEnd: writeEnd()
        case .leave: leave()
        }
    }

    private var late: Step { (self, .late) }
    private var impossible: Step { (self, .impossible) }

    // MARK: Before its turn

    private func prepare(_ attempt: LiveAttempt<Handle>, at moment: Int) -> Step {
        switch self {
        case .waiting: (.prepared(attempt, since: moment), .none)
        case .unpreparable, .prepared, .revoking, .starting, .running, .ending: impossible
        }
    }

    private func cannotPrepare() -> Step {
        switch self {
        case .waiting, .unpreparable: (.unpreparable, .none)
        case .prepared, .revoking, .starting, .running, .ending: impossible
        }
    }

    private func revoke(isGone: Bool) -> Step {
        switch (self, isGone) {
        case (.prepared, true), (.revoking(_, _, .wait), true), (.revoking(_, _, .leave), true): (.waiting, .none)
        case (.revoking(_, _, .waitUnprepared), true): (.unpreparable, .none)
        case (.revoking(_, _, .start), true): (.waiting, .startAgain)
        case (.prepared(let attempt, let since), false): (.revoking(attempt, since: since, then: .wait), .none)
        case (.revoking, false): (self, .none)
        case (.waiting, _), (.unpreparable, _): late
        case (.starting, _), (.running, _), (.ending, _): impossible
        }
    }

    private func endBeforeTurn(_ number: Int) -> Step {
        switch self {
        case .prepared(let attempt, let since) where attempt.number == number:
            (.revoking(attempt, since: since, then: .waitUnprepared), .revoke(attempt))
        case .revoking(let attempt, let since, .wait) where attempt.number == number:
            (.revoking(attempt, since: since, then: .waitUnprepared), .revoke(attempt))
        case .revoking(let attempt, _, _) where attempt.number == number: (self, .revoke(attempt))
        case .waiting, .unpreparable, .prepared, .revoking, .ending: late
        case .starting(let attempt), .running(let attempt): attempt.number == number ? impossible : late
        }
    }

    private func leave() -> Step {
        switch self {
        case .waiting, .unpreparable: (.waiting, .none)
        case .prepared(let attempt, let since): (.revoking(attempt, since: since, then: .leave), .revoke(attempt))
        case .revoking(let attempt, let since, _): (.revoking(attempt, since: since, then: .leave), .none)
        // Its submission was refused while its start, and even its end, was on the way to the disk behind it: neither gets
        // there, and its command does not run.
        case .starting(let attempt): (.waiting, .abandon(attempt))
        case .ending(let ended, _): (.waiting, .abandon(ended.attempt))
        case .running: impossible
        }
    }

    // MARK: The start

    private func start() -> Step {
        switch self {
        case .waiting, .unpreparable: (.waiting, .launch)
        case .prepared(let attempt, _): (.starting(attempt), .begin(attempt))
        case .revoking(let attempt, let since, _): (.revoking(attempt, since: since, then: .start), .none)
        case .starting, .running, .ending: impossible
        }
    }

    private func begin(_ attempt: LiveAttempt<Handle>) -> Step {
        switch self {
        case .waiting, .unpreparable: (.starting(attempt), .none)
        case .prepared, .revoking, .starting, .running, .ending: impossible
        }
    }

    private func adopt(_ attempt: LiveAttempt<Handle>) -> Step {
        switch self {
        case .waiting: (.running(attempt), .none)
        case .unpreparable, .prepared, .revoking, .starting, .running, .ending: impossible
        }
    }

    private func startWritten(_ number: Int) -> Step {
        switch self {
        case .starting(let attempt) where attempt.number == number: (.running(attempt), .none)
        case .running(let attempt) where attempt.number == number: impossible
        // It may have ended before its start was on disk; both go there in their order.
        case .waiting, .unpreparable, .prepared, .revoking, .starting, .running, .ending: late
        }
    }

    private func startRefused(_ number: Int) -> Step {
        switch self {
        case .starting(let attempt) where attempt.number == number: (.waiting, .abandon(attempt))
        // The disk has taken neither, or the end was refused with the start: on the disk the job waits.
        case .ending(let ended, _) where ended.attempt.number == number: (.waiting, .abandon(ended.attempt))
        case .running(let attempt) where attempt.number == number: impossible
        case .waiting, .unpreparable, .prepared, .revoking, .starting, .running, .ending: late
        }
    }

    // MARK: The end

    private func end(_ ended: EndedAttempt<Handle>) -> Step {
        switch self {
        case .starting(let attempt) where attempt.number == ended.attempt.number,
            .running(let attempt) where attempt.number == ended.attempt.number:
            (.ending(ended, isBeingWritten: true), .write(ended))
        case .prepared(let attempt, _) where attempt.number == ended.attempt.number,
            .revoking(let attempt, _, _) where attempt.number == ended.attempt.number:
            impossible
        case .waiting, .unpreparable, .prepared, .revoking, .starting, .running, .ending: late
        }
    }

    private func endWritten(_ number: Int) -> Step {
        switch self {
        case .ending(let ended, let isBeingWritten) where ended.attempt.number == number:
            isBeingWritten ? (.waiting, .follow(ended)) : impossible
        case .waiting, .unpreparable, .prepared, .revoking, .starting, .running, .ending: late
        }
    }

    private func endRefused(_ number: Int) -> Step {
        switch self {
        case .ending(let ended, let isBeingWritten) where ended.attempt.number == number:
            isBeingWritten ? (.waiting, .giveUp(ended)) : impossible
        case .waiting, .unpreparable, .prepared, .revoking, .starting, .running, .ending: late
        }
    }

    private func endDelayed(_ number: Int) -> Step {
        switch self {
        case .ending(let ended, let isBeingWritten) where ended.attempt.number == number:
            isBeingWritten ? (.ending(ended, isBeingWritten: false), .none) : impossible
        case .waiting, .unpreparable, .prepared, .revoking, .starting, .running, .ending: late
        }
    }

    private func writeEnd() -> Step {
        switch self {
        case .ending(let ended, isBeingWritten: false): (.ending(ended, isBeingWritten: true), .write(ended))
        case .waiting, .unpreparable, .prepared, .revoking, .starting, .running, .ending: late
        }
    }
}

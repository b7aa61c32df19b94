// SPDX-License-Identifier: Apache-2.0

/// The phase of each live job, and what is asked of all of them.
///
/// A job that waits and is not locked has no entry: a hundred thousand of them take no memory here.
package struct JobTable<Handle> {
    private struct LiveJob {
        var phase = Phase<Handle>.waiting
        /// A person's change of it is on its way to the disk.
        var isLocked = false
    }

    private var jobs: [Int: LiveJob] = [:]
    private var idsAhead: Set<Int> = []
    private var idsUnderWay: Set<Int> = []
    private var idsEnding: Set<Int> = []

    package init() {}

    package func phase(of id: Int) -> Phase<Handle> { jobs[id]?.phase ?? .waiting }

    /// Tells a job's phase of an event.
    ///
    /// - Returns: what is to be done now; the phase has changed already.
    package mutating func apply(_ event: PhaseEvent<Handle>, to id: Int) -> PhaseAction<Handle> {
        let (phase, action) = phase(of: id).apply(event)
        switch action {
        case .late, .impossible: break
        case .none, .launch, .begin, .revoke, .startAgain, .abandon, .write, .follow, .giveUp: set(phase, of: id)
        }
        return action
    }

    private mutating func set(_ phase: Phase<Handle>, of id: Int) {
        var job = jobs[id] ?? LiveJob()
        job.phase = phase
        idsAhead.remove(id)
        idsUnderWay.remove(id)
        idsEnding.remove(id)
        switch phase {
        case .waiting:
            jobs[id] = job.isLocked ? job : nil
            return
        case .unpreparable: break
        case .prepared, .revoking: idsAhead.insert(id)
        case .starting, .running: idsUnderWay.insert(id)
        case .ending: idsEnding.insert(id)
        }
        jobs[id] = job
    }

    /// Changes the attempt that is under way, as when it is launched; nothing happens if it has ended already.
    package mutating func amend(_ key: AttemptKey, _ change: (inout LiveAttempt<Handle>) -> Void) {
        guard var attempt = underWay(key.job), attempt.key == key else { return }
        change(&attempt)
        switch phase(of: key.job) {
        case .starting: set(.starting(attempt), of: key.job)
        case .running: set(.running(attempt), of: key.job)
        case .waiting, .unpreparable, .prepared, .revoking, .ending: break
        }
    }

    // MARK: Attempts

    /// The attempt of a job whose turn has come and that has not ended.
    package func underWay(_ id: Int) -> LiveAttempt<Handle>? {
        switch phase(of: id) {
        case .starting(let attempt), .running(let attempt): attempt
        case .waiting, .unpreparable, .prepared, .revoking, .ending: nil
        }
    }

    /// The attempt of a job that was launched before its turn, also if it is being taken back.
    package func ahead(_ id: Int) -> LiveAttempt<Handle>? {
        switch phase(of: id) {
        case .prepared(let attempt, _), .revoking(let attempt, _, _): attempt
        case .waiting, .unpreparable, .starting, .running, .ending: nil
        }
    }

    /// Whether the start of the job's attempt is on disk.
    package func isStartWritten(_ id: Int) -> Bool {
        if case .running = phase(of: id) { true } else { false }
    }

    /// Whether an attempt may be launched before the job's turn.
    package func mayPrepare(_ id: Int) -> Bool {
        if case .waiting = phase(of: id) { true } else { false }
    }

    /// The moment at which the attempt was launched that waits for the job's turn.
    package func preparedSince(_ id: Int) -> Int? {
        switch phase(of: id) {
        case .prepared(_, let since), .revoking(_, let since, _): since
        case .waiting, .unpreparable, .starting, .running, .ending: nil
        }
    }

    // MARK: All jobs

    /// Jobs with an attempt that was launched before its turn, in the order of their ids.
    package var allAhead: [Int] { idsAhead.sorted() }
    /// Jobs with an attempt whose turn has come and that has not ended.
    package var allUnderWay: [Int] { idsUnderWay.sorted() }
    /// Jobs with an attempt whose end is not on disk.
    package var allEnding: [Int] { idsEnding.sorted() }

    package var countAhead: Int { idsAhead.count }
    package var countUnderWay: Int { idsUnderWay.count }

    /// The attempts of which the disk knows, or will know, that they have begun.
    package var begun: [AttemptKey] {
        idsUnderWay.union(idsEnding).sorted().compactMap { id in
            switch phase(of: id) {
            case .starting(let attempt), .running(let attempt): attempt.key
            case .ending(let ended, _): ended.attempt.key
            case .waiting, .unpreparable, .prepared, .revoking: nil
            }
        }
    }

    // MARK: Locks

    /// Keeps other changes of a job out until ``unlock(_:)``.
    package mutating func lock(_ id: Int) { jobs[id, default: LiveJob()].isLocked = true }

    package mutating func unlock(_ id: Int) {
        jobs[id]?.isLocked = false
        if case .waiting = phase(of: id) { jobs[id] = nil }
    }

    package func isLocked(_ id: Int) -> Bool { jobs[id]?.isLocked == true }

    /// How many jobs have an entry.
    package var count: Int { jobs.count }
}

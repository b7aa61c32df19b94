// SPDX-License-Identifier: Apache-2.0

/// What a job asks of the queue: when it may start, before whom, and what follows a failure.
public struct Scheduling: Hashable, Sendable {
    /// Higher starts first; equal ones in the order of their submission.
    public var priority = 0
    /// The named group whose `parallel` counts it.
    public var group = Self.defaultGroup
    /// What admission counts against the machine; the limit if `nil`.
    public var memoryRequest: ByteCount?
    public var cpusRequest: CPUCount?
    public var after: Dependency?
    /// Not before this moment.
    public var begin: Timestamp?
    /// Submitted, but to be released by hand.
    public var held = false
    public var array: ArrayRange?
    public var retry = RetryPolicy()

    public static let defaultGroup = "default"
    /// The range of a priority.
    package static let priorities = -1000...1000

    public init() {}
}

/// Which other jobs must have ended how: any of the alternatives, each of which needs all its terms.
public struct Dependency: Hashable, Sendable {
    public enum Condition: String, Hashable, Sendable, CaseIterable, Codable {
        /// It completed.
        case ok
        /// It ended, no matter how.
        case any
        /// It ended and did not complete.
        case failed
    }

    public struct Term: Hashable, Sendable {
        public var condition: Condition
        /// Jobs of the same owner; once the job is queued, an id or a range of ids.
        public var target: JobReference

        public init(_ condition: Condition, _ target: JobReference) {
            self.condition = condition
            self.target = target
        }
    }

    /// Or of ands.
    public var alternatives: [[Term]]

    public init(_ alternatives: [[Term]]) { self.alternatives = alternatives }
}

/// Indices of an array and how many of its jobs may run at once: `0-99%8`.
public struct ArrayRange: Hashable, Sendable {
    public var indices: IDSet
    public var parallel: Int?

    public init(indices: IDSet, parallel: Int? = nil) {
        self.indices = indices
        self.parallel = parallel
    }
}

/// What is tried again, how often, and how long after.
public struct RetryPolicy: Hashable, Sendable {
    /// Further attempts after the first.
    public var retries = 0
    /// States after which another attempt is made, in the order of ``JobState``. OOM has its own rule below.
    public var states: [JobState] = [.failed, .timeout, .lost]
    /// Pause before the second attempt; doubles with every further one.
    public var backoff: JobDuration = .seconds(10)
    public var backoffCeiling: JobDuration = .seconds(360)
    /// Memory of the next attempt after the job's own limit was the cause: this times as much…
    public var memoryFactor: Double?
    /// …up to here; a job that needs more is held.
    public var memoryCeiling: ByteCount?

    public init() {}
}

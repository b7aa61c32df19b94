// SPDX-License-Identifier: Apache-2.0
import JobModel

/// A job as lists, the scheduler and a restart need it: everything but its texts, which are its ``JobDocument``.
package struct StoredJob: Hashable, Sendable {
    /// Grows with every submission and is never used again.
    package var id: Int
    package var name: String
    package var owner: Owner
    /// The command on one line, for people.
    package var command: String
    package var array: ArrayPlace?
    package var group = Scheduling.defaultGroup
    package var priority = 0
    /// Not before this moment.
    package var begin: Timestamp?
    /// With ids only: a name has become the id of the job that was meant.
    package var dependency: Dependency?
    /// What admission counts.
    package var memoryRequestBytes: Int?
    package var cpusRequest: CPUCount?
    /// The limit of the next attempt; it may grow after an attempt ran out of memory.
    package var memoryLimitBytes: Int?
    package var wallTimeLimitUsec: Int?
    /// How many attempts there may be.
    package var attemptsMax = 1
    /// Of its document; the jobs of an array have a share each.
    package var textBytes = 0
    package var submittedAt: Timestamp

    package var state: JobState
    /// Why it is pending, held or suspended, if somebody said so; `nil` in every other state.
    package var reason: String?
    /// The number of the newest attempt, 0 before the first.
    package var attempt = 0
    /// Start of the newest attempt.
    package var startedAt: Timestamp?
    /// When it reached its final state; `nil` exactly as long as the job lives.
    package var endedAt: Timestamp?
    /// Why the newest ended attempt ended, or why the job ended without one.
    package var cause: Cause?
    package var message: String?
    /// Of the newest ended attempt, as are the figures.
    package var exit = ExitStatus()
    package var figures = AttemptFigures()
    /// Which cells of its row could not be read, in a sentence: such a job is seen, may be cancelled, and never starts.
    package var damage: String?

    package init(
        id: Int, name: String, owner: Owner, command: String, submittedAt: Timestamp, state: JobState = .pending
    ) {
        self.id = id
        self.name = name
        self.owner = owner
        self.command = command
        self.submittedAt = submittedAt
        self.state = state
    }

    /// Who submitted it.
    package struct Owner: Hashable, Sendable {
        package var uid: UInt32
        package var gid: UInt32
        package var name: String

        package init(uid: UInt32, gid: UInt32, name: String) {
            self.uid = uid
            self.gid = gid
            self.name = name
        }
    }

    /// Its place in the array it was submitted with.
    package struct ArrayPlace: Hashable, Sendable {
        /// What all jobs of the array have in common, by custom the id of the first.
        package var id: Int
        package var index: Int
        /// How many of the array may run at once.
        package var parallel: Int?

        package init(id: Int, index: Int, parallel: Int? = nil) {
            self.id = id
            self.index = index
            self.parallel = parallel
        }
    }
}

/// The texts of a job, which the store does not look into. Jobs of one array share them on disk.
package struct JobDocument: Hashable, Sendable {
    /// The job file.
    package var spec: String
    /// Environment, working directory, umask and resource limits of whoever submitted it. The environment may hold
    /// secrets, so the context is read for one job at a time and never printed.
    package var context: String

    package init(spec: String, context: String) {
        self.spec = spec
        self.context = context
    }

    package var bytes: Int { spec.utf8.count + context.utf8.count }
}

extension JobDocument: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String {
        "JobDocument(spec: \(spec.utf8.count) bytes, context: \(context.utf8.count) bytes)"
    }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// The figures of an attempt that lists show; the record has all of them.
package struct AttemptFigures: Hashable, Sendable {
    package var memoryPeakBytes: Int?
    package var cpuUsageUsec: Int?
    package var wallTimeUsec: Int?
    /// What it left on disk as output; not among a job's figures, where the attempts are summed up for retention.
    package var outputBytes: Int?

    package init(
        memoryPeakBytes: Int? = nil, cpuUsageUsec: Int? = nil, wallTimeUsec: Int? = nil, outputBytes: Int? = nil
    ) {
        self.memoryPeakBytes = memoryPeakBytes
        self.cpuUsageUsec = cpuUsageUsec
        self.wallTimeUsec = wallTimeUsec
        self.outputBytes = outputBytes
    }
}

/// One execution of a job.
package struct StoredAttempt: Hashable, Sendable {
    package var job: Int
    package var number: Int
    /// The boot it belongs to: after another one, none of its processes is left.
    package var bootID: String
    /// Where its processes and cgroup are found again; opaque here.
    package var place: String
    package var startedAt: Timestamp
    package var endedAt: Timestamp?
    /// `nil` while it runs.
    package var verdict: Verdict?
    package var figures = AttemptFigures()
    /// The JSON document of the record; `nil` while it runs.
    package var record: String?
}

/// One line of a job's history.
package struct HistoryEntry: Hashable, Sendable {
    /// Grows over the changes of all jobs.
    package var sequence: Int
    package var at: Timestamp
    package var state: JobState
    package var cause: Cause?
    /// The attempt that started or ended by it.
    package var attempt: Int?
    package var detail: String?
}

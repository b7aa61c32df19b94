// SPDX-License-Identifier: Apache-2.0
import JobModel

/// What `POST /v1/jobs` takes.
public struct Submission: Sendable {
    /// A job file as JSON: the same keys and values as in YAML.
    public var job: JSON
    /// Of the job: what the submitter exports. Never logged.
    public var environment: [String: String]
    /// Where the submitter stands; the job starts there unless its file says otherwise.
    public var directory: String
    public var umask: Int?
    /// The submitter's soft and hard limits by name (`nofile` …): the soft one is what a batch user expects.
    public var rlimits: [String: Int]
    /// Hard ones.
    public var hardRlimits: [String: Int]

    public init(
        job: JSON, environment: [String: String], directory: String, umask: Int? = nil, rlimits: [String: Int] = [:],
        hardRlimits: [String: Int] = [:]
    ) {
        self.job = job
        self.environment = environment
        self.directory = directory
        self.umask = umask
        self.rlimits = rlimits
        self.hardRlimits = hardRlimits
    }

    /// The `PATH` of a job that is given none.
    public static let cleanPath = "/usr/local/bin:/usr/bin:/bin"

    /// What an object of this type may hold on the wire.
    public static let keys = ["job", "environment", "directory", "umask", "rlimits", "hard_rlimits"]

    public var json: JSON {
        .object([
            "job": job,
            "environment": .dictionary(environment),
            "directory": .string(directory), "umask": .int(umask),
            "rlimits": .dictionary(rlimits), "hard_rlimits": .dictionary(hardRlimits),
        ])
    }
}

/// The answer to a submission: it is on disk.
public struct Submitted: Sendable, Hashable {
    public var id: Int
    /// More than one for an array, whose ids follow each other.
    public var count: Int
    /// What the submitter should know of the job, in sentences: that its group is new, say.
    public var notices: [String]

    public init(id: Int, count: Int, notices: [String] = []) {
        self.id = id
        self.count = count
        self.notices = notices
    }

    public var json: JSON {
        .object(["id": .int(id), "count": .int(count), "notices": .array(notices.map { .string($0) })])
    }
}

/// A change of state, as `GET /v1/events` and `GET /v1/jobs/{id}/history` tell it.
public struct StateChange: Sendable, Hashable {
    public var job: Int
    public var at: String
    public var state: JobState
    /// Machine-readable cause: a ``Cause``, or the verb that was asked for.
    public var cause: String?
    public var attempt: Int?
    public var detail: String?

    public init(job: Int, at: String, state: JobState, cause: String?, attempt: Int?, detail: String?) {
        self.job = job
        self.at = at
        self.state = state
        self.cause = cause
        self.attempt = attempt
        self.detail = detail
    }

    public var json: JSON {
        .object([
            "job": .int(job), "at": .string(at), "state": .string(state.rawValue), "cause": .string(cause),
            "attempt": .int(attempt), "detail": .string(detail),
        ])
    }
}

/// `GET /v1/daemon`: the machine as admission sees it.
public struct DaemonView: Sendable, Hashable {
    public struct Group: Sendable, Hashable {
        public var name: String
        /// `nil`: as many as the machine admits.
        public var parallel: Int?
        public var running: Int
        public var pending: Int

        public init(name: String, parallel: Int?, running: Int, pending: Int) {
            self.name = name
            self.parallel = parallel
            self.running = running
            self.pending = pending
        }
    }

    public var version: String
    public var pid: Int
    public var stateDirectory: String
    public var draining: Bool
    /// Whether jobs of groups that nobody has made are refused.
    public var strictGroups: Bool
    public var memoryTotalBytes: Int
    public var memoryFreeBytes: Int
    public var cpusTotal: Double
    public var cpusFree: Double
    public var running: Int
    public var pending: Int
    public var groups: [Group]

    public init(
        version: String, pid: Int, stateDirectory: String, draining: Bool, strictGroups: Bool = false,
        memoryTotalBytes: Int,
        memoryFreeBytes: Int, cpusTotal: Double, cpusFree: Double, running: Int, pending: Int, groups: [Group]
    ) {
        self.version = version
        self.pid = pid
        self.stateDirectory = stateDirectory
        self.draining = draining
        self.strictGroups = strictGroups
        self.memoryTotalBytes = memoryTotalBytes
        self.memoryFreeBytes = memoryFreeBytes
        self.cpusTotal = cpusTotal
        self.cpusFree = cpusFree
        self.running = running
        self.pending = pending
        self.groups = groups
    }
}

extension DaemonView {
    public var json: JSON {
        .object([
            "version": .string(version), "pid": .int(pid), "state_directory": .string(stateDirectory),
            "draining": .bool(draining), "strict_groups": .bool(strictGroups),
            "memory_total_bytes": .int(memoryTotalBytes),
            "memory_free_bytes": .int(memoryFreeBytes), "cpus_total": .number(cpusTotal),
            "cpus_free": .number(cpusFree), "running": .int(running), "pending": .int(pending),
            "groups": .array(
                groups.map {
                    .object([
                        "name": .string($0.name), "parallel": .int($0.parallel), "running": .int($0.running),
                        "pending": .int($0.pending),
                    ])
                }),
        ])
    }
}

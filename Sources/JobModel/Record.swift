// SPDX-License-Identifier: Apache-2.0

/// One attempt, accounted for: the document of `run --report`, `status --json`, `history --json` and the API.
public struct Record: Sendable, Hashable {
    public static let schemaVersion = 1

    public var job: JobIdentity
    public var verdict: Verdict
    public var startedAt: Timestamp?
    public var endedAt: Timestamp?
    public var limits: EffectiveLimits
    public var usage: Usage
    /// Key of a figure → why it is `null`.
    public var unavailable: [String: String] = [:]
    /// Key of a figure → what is missing in it: it is at least that much.
    public var partial: [String: String] = [:]
    /// Keys whose value is the largest of some samples, not a peak kept by the kernel.
    public var sampled: [String] = []
    public var trust: [TrustFlag] = []
    public var oom: OOMEvidence?
    /// Processes that did not end by themselves after the main one had.
    public var rest = Rest()
    public var host: HostDescription

    public init(
        job: JobIdentity, verdict: Verdict, startedAt: Timestamp? = nil, endedAt: Timestamp? = nil,
        limits: EffectiveLimits,
        usage: Usage, host: HostDescription
    ) {
        self.job = job
        self.verdict = verdict
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.limits = limits
        self.usage = usage
        self.host = host
    }
}

/// The processes that a job's main process left behind.
public struct Rest: Hashable, Sendable {
    /// Processes that were left after the linger, and were asked to end.
    public var terminated = 0
    /// Processes that were left after the grace period, and were killed.
    public var killed = 0

    public init(terminated: Int = 0, killed: Int = 0) { (self.terminated, self.killed) = (terminated, killed) }
}

/// Which job and which attempt a record is about. A `jobs run` has no id: no queue ever saw it.
public struct JobIdentity: Hashable, Sendable {
    public var id: Int?
    public var name: String
    public var attempt: Int
    public var owner: String

    public init(id: Int?, name: String, attempt: Int, owner: String) {
        self.id = id
        self.name = name
        self.attempt = attempt
        self.owner = owner
    }
}

/// The limits as the kernel holds them, read back after they were written (it rounds memory down to pages).
public struct EffectiveLimits: Hashable, Sendable {
    public var memoryBytes: Int?
    public var swapBytes: Int?
    public var memorySoftBytes: Int?
    public var cpus: CPUCount?
    public var cpuWeight: Int?
    public var cpuset: String?
    public var pids: Int?
    /// What the kernel shows for each limited disk: `8:0 rbps=max wbps=1048576 riops=max wiops=max`.
    public var io: [String] = []
    /// Bytes by page size in bytes.
    public var hugepages: [Int: Int] = [:]
    public var wallTimeUsec: Int?
    public var cpuTimeUsec: Int?
    /// The tightest memory limit of a cgroup above the job, and its path.
    public var ancestorMemoryBytes: Int?
    public var ancestorMemoryPath: String?
    /// The tightest CPU quota above it.
    public var ancestorCPUs: CPUCount?
    public var ancestorCPUsPath: String?
    /// The tightest limit of processes and threads above it.
    public var ancestorPids: Int?
    public var ancestorPidsPath: String?
    /// Limits that were asked for and are not enforced, by `--allow-unenforced`, or only in part: name → reason.
    public var unenforced: [String: String] = [:]

    public init() {}
}

/// A reason not to trust a measurement, and the figure behind it.
public struct TrustFlag: Hashable, Sendable {
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case swapped
        case thermalThrottled = "thermal-throttled"
        case underVoltage = "under-voltage"
        case cpuThrottled = "cpu-throttled"
        case cacheLimited = "cache-limited"
        case otherJobs = "other-jobs"
        /// A limit was another one at the end than at the start: a process reached the files that limit the job.
        case limitsChanged = "limits-changed"
        /// A limit for writes to a disk did not hold back what went through the page cache.
        case bufferedWrites = "buffered-writes"
        /// A limit of a cgroup above the job was tighter than its own, or held it back.
        case ancestorLimit = "ancestor-limit"
        /// Root took away what keeps the job from the files that limit it.
        case unconfined
    }

    public var kind: Kind
    public var detail: String

    public init(_ kind: Kind, _ detail: String) {
        self.kind = kind
        self.detail = detail
    }
}

/// Which process an OOM killer chose, from the kernel log.
public struct OOMVictim: Hashable, Sendable {
    public var process: String
    public var pid: Int
    public var anonRSSBytes: Int?

    public init(process: String, pid: Int, anonRSSBytes: Int?) {
        self.process = process
        self.pid = pid
        self.anonRSSBytes = anonRSSBytes
    }
}

/// What is known about the OOM kills of an attempt beyond their count.
public struct OOMEvidence: Hashable, Sendable {
    public enum Source: String, Sendable, Hashable {
        case counters, kernelLog = "kernel-log"
    }

    public var source: Source
    /// Why the kernel killed, also where the attempt outlived it: `ownLimit`, `ancestorLimit` or `system`; of the last kill.
    /// `nil` in records from before it was told.
    public var cause: Cause?
    public var victims: [OOMVictim]
    /// The directory of the cgroup whose limit was reached; `nil` if it was none's, or lies above what can be seen here.
    public var limitPath: String?

    public init(source: Source, cause: Cause? = nil, victims: [OOMVictim] = [], limitPath: String? = nil) {
        self.source = source
        self.cause = cause
        self.victims = victims
        self.limitPath = limitPath
    }
}

/// The machine a figure was measured on.
public struct HostDescription: Hashable, Sendable {
    public var kernel: String
    public var cgroupMode: String
    public var board: String?

    public init(kernel: String, cgroupMode: String, board: String? = nil) {
        self.kernel = kernel
        self.cgroupMode = cgroupMode
        self.board = board
    }
}

// SPDX-License-Identifier: Apache-2.0

/// What the kernel enforces for one attempt (memory, swap, cpu, pids, io, …) and what the supervisor does (times).
///
/// `nil` is "no limit of ours": the tightest ancestor still holds.
public struct Limits: Hashable, Sendable {
    public var memory: ByteCount?
    /// Swap beyond memory. Zero unless asked for, because with swap a memory limit does not limit.
    public var swap: SwapLimit = .bytes(ByteCount(0))
    /// `memory.high` on v2 (throttles, never kills), `memory.soft_limit_in_bytes` on v1 (reclaimed first under pressure).
    public var memorySoft: ByteCount?
    public var cpus: CPUCount?
    /// 1…10000, 100 is the default share; `cpu.weight` on v2, scaled to `cpu.shares` on v1.
    public var cpuWeight: Int?
    public var cpuset: IDSet?
    /// Tasks, i.e. threads and processes together, as the kernel counts.
    public var pids: Int?
    public var io: [DeviceIOLimit] = []
    /// Page size in bytes → limit.
    public var hugepages: [ByteCount: ByteCount] = [:]
    /// `nil`: no device policy beyond file permissions. Empty: no device at all.
    public var devices: [DeviceRule]?
    public var wallTime: JobDuration?
    public var cpuTime: JobDuration?
    /// Between TERM and KILL when a time limit or a cancellation ends the attempt.
    public var grace: JobDuration = .seconds(5)
    /// Between the end of the main process and TERM to those that it has left behind: `tee` and `gzip` finish in it.
    public var linger: JobDuration = .seconds(2)
    public var rlimits: [ResourceLimit: UInt64] = [:]
    /// Of each of stdout and stderr of a queued job: head and tail are kept, the middle is dropped.
    public var output = ByteCount(64 * 1024 * 1024)

    public init() {}

    /// No process starts in less, on no kernel: its stack in the kernel and its page tables alone take half of it. A number
    /// below is a size without its unit.
    public static let leastMemory = ByteCount(64 << 10)
}

/// How much swap a job may use.
public enum SwapLimit: Hashable, Sendable {
    case bytes(ByteCount)
    case unlimited
}

/// Throughput limits of one block device, named by node (`/dev/sda`), by mount point, or by number (`8:0`).
public struct DeviceIOLimit: Hashable, Sendable {
    public var device: String
    public var readBytesPerSecond: Int?
    public var writeBytesPerSecond: Int?
    public var readOperationsPerSecond: Int?
    public var writeOperationsPerSecond: Int?

    public init(device: String) { self.device = device }

    /// These limits, and those of `earlier` that they say nothing of.
    public func over(_ earlier: Self?) -> Self {
        var limit = self
        limit.readBytesPerSecond = readBytesPerSecond ?? earlier?.readBytesPerSecond
        limit.writeBytesPerSecond = writeBytesPerSecond ?? earlier?.writeBytesPerSecond
        limit.readOperationsPerSecond = readOperationsPerSecond ?? earlier?.readOperationsPerSecond
        limit.writeOperationsPerSecond = writeOperationsPerSecond ?? earlier?.writeOperationsPerSecond
        return limit
    }
}

/// One allowed device: a node path or `c MAJOR:MINOR` / `b MAJOR:*`, and the access letters `rwm`.
public struct DeviceRule: Hashable, Sendable {
    public enum Target: Hashable, Sendable {
        case path(String)
        /// `nil` is "any", as `*` in `devices.allow`.
        case number(block: Bool, major: Int?, minor: Int?)
    }

    public var target: Target
    public var read: Bool
    public var write: Bool
    public var mknod: Bool

    public init(target: Target, read: Bool, write: Bool, mknod: Bool) {
        self.target = target
        self.read = read
        self.write = write
        self.mknod = mknod
    }

    /// The devices any program may expect: null zero full random urandom tty ptmx and pts (the OCI default set).
    public static let standard: [DeviceRule] =
        [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2), (136, nil)].map { (major: Int, minor: Int?) in
            DeviceRule(target: .number(block: false, major: major, minor: minor), read: true, write: true, mknod: false)
        }
}

/// The resource limits of `setrlimit(2)` that a job file may set.
public enum ResourceLimit: String, Hashable, Sendable, CaseIterable {
    case nofile, core, stack, fsize
}

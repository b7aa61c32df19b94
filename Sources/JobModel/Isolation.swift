// SPDX-License-Identifier: Apache-2.0

/// Which namespaces an attempt gets and what is hidden or taken away inside.
public struct Isolation: Hashable, Sendable {
    public var pid = true
    public var mount = true
    public var uts = true
    public var ipc = true
    /// `nil`: private with an IPC namespace, the machine's without one.
    public var shm: SharedMemory?
    /// A network namespace with nothing but loopback. Off by default: batch jobs fetch and push.
    public var net = false
    public var user = false
    public var cgroup = false
    public var time: TimeOffsets?
    /// A private `/tmp`. Off by default: a batch user expects to find what the job wrote.
    public var privateTmp = false
    public var seccomp = SeccompProfile.default
    public var maskPaths = true
    /// Everything else is dropped.
    public var capabilities = KeptCapabilities.named([])
    /// Whether set-user-ID and set-group-ID programs and file capabilities count, which `no_new_privs` forbids.
    public var newPrivileges = false
    /// Whether it sees the queue's socket, to submit jobs of its own. Of jobsd's directories it sees nothing else.
    public var submit = false
    /// `false` makes the command itself PID 1 of its namespace; it must then reap for itself.
    public var initProcess = true

    public init() {}

    /// The settings of this job that only root's own jobs may have, as they are written: each removes a part of the
    /// confinement.
    public var settingsOfRoot: [String] {
        var settings: [String] = []
        if capabilities != .named([]) { settings.append("capabilities") }
        if newPrivileges { settings.append("new-privileges") }
        if seccomp == .off { settings.append("seccomp: off") }
        return settings
    }

    /// Whether it gets a `/dev/shm` of its own; it takes a mount namespace to mount one in.
    public var hasPrivateSharedMemory: Bool { mount && (shm ?? (ipc ? .private : .host)) == .private }
}

/// Which system calls an attempt is refused.
public enum SeccompProfile: String, Hashable, Sendable, CaseIterable {
    /// The calls that no batch job needs.
    case `default`
    /// Fewer calls, so that the job's own sandboxes and containers work, and perf.
    case nested
    /// None.
    case off
}

/// Which `/dev/shm` an attempt sees.
public enum SharedMemory: String, Hashable, Sendable, CaseIterable {
    /// One of its own, empty at its start and gone at its end.
    case `private`
    /// The machine's.
    case host
}

/// Offsets of the time namespace, added to the host's clocks; see `time_namespaces(7)`.
public struct TimeOffsets: Hashable, Sendable {
    public var monotonicSeconds: Int
    public var boottimeSeconds: Int

    public init(monotonicSeconds: Int = 0, boottimeSeconds: Int = 0) {
        self.monotonicSeconds = monotonicSeconds
        self.boottimeSeconds = boottimeSeconds
    }
}

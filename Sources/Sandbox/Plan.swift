// SPDX-License-Identifier: Apache-2.0
import Linux

/// Everything jobs-init has to do for one attempt, as data. The supervisor writes it, jobs-init reads it from descriptor 3.
package struct Plan: Archivable, Hashable, Sendable {
    // The command.
    package var arguments: [String] = []
    package var environment: [String] = []
    package var directory = "/"

    // What is new around it.
    // Not `[]`: that goes through a generic function, whose types Swift makes at run time, a percent of a short job.
    package var namespaces = Namespaces(rawValue: 0)
    package var hostname: String?
    package var monotonicOffset = 0
    package var boottimeOffset = 0
    /// The mounts of jobs-init, which its command's process inherits.
    package var mounts: [Mount] = []
    /// The mounts of the command's process, inside its own cgroup namespace, and PID namespace if it is PID 1 itself.
    package var commandMounts: [Mount] = []
    /// `false`: the command itself is PID 1 of its namespace and jobs-init watches from outside.
    package var initProcess = true
    package var hasCPUSet = false
    /// The command gets descriptor 0 as its controlling terminal.
    package var terminal = false

    // Who it is and what it may do.
    package var identity: Identity?
    package var capabilities = CapabilitySet()
    package var newPrivileges = false
    package var seccomp: [UInt8] = []
    /// A second filter, which the command's process takes on: it refuses calls that jobs-init has to make.
    package var commandSeccomp: [UInt8] = []
    package var umask: UInt32?
    package var resourceLimits: [ResourceLimitValue] = []

    // When it must end.
    package var wallTimeUsec: Int?
    package var cpuTimeUsec: Int?
    package var graceUsec = 5_000_000
    /// Between the end of the main process and TERM to those that it has left behind.
    package var lingerUsec = 2_000_000

    // Descriptors that jobs-init inherits, by number.
    package var cgroupDescriptor: CInt?
    /// Directories of the job on v1, which the command enters by their `tasks` while it is still single-threaded.
    package var v1Descriptors: [CInt] = []
    /// What the job's directories are called, for the case that nobody but jobs-init is left to remove them.
    package var cgroupName = ""
    /// The directory on v2 that the command starts in, if that is one below the job's.
    package var cgroupLeaf: String?
    package var killDescriptor: CInt?
    package var processesDescriptor: CInt?
    /// v2 `cpu.stat` or v1 `cpuacct.usage`.
    package var cpuUsageDescriptor: CInt?

    /// What the command runs as it was submitted.
    package var script: Script?

    /// Of a job from the queue, which lives on when the daemon dies.
    package var queued: Queued?

    package init() {}

    /// Below a queue's runtime directory: it holds the socket under a second name, and nothing else.
    package static let socketFolder = "api"

    /// What jobs-init does for an attempt that must outlive its supervisor.
    package struct Queued: Hashable, Sendable {
        /// One byte here says that the start is on disk and the command may run; the end says that the daemon died first.
        package var gateDescriptor: CInt = -1
        /// The attempt's directory, where its output goes.
        package var directoryDescriptor: CInt = -1
        /// Of each output stream, in bytes.
        package var outputLimit = 64 * 1024 * 1024
        /// What copying the output may use: thousandths of a CPU, and bytes per second to the disk that it goes to.
        package var outputMilliCPUs: Int?
        package var outputBytesPerSecond: Int?

        package init() {}
    }

    /// A uid, gid and supplementary groups to become.
    package struct Identity: Hashable, Sendable {
        package var uid: UInt32
        package var gid: UInt32
        package var groups: [UInt32]

        package init(uid: UInt32, gid: UInt32, groups: [UInt32]) {
            self.uid = uid
            self.gid = gid
            self.groups = groups
        }
    }

    /// One `setrlimit(2)`.
    package struct ResourceLimitValue: Hashable, Sendable {
        package var resource: CInt
        package var soft: UInt64
        package var hard: UInt64

        package init(resource: CInt, soft: UInt64, hard: UInt64) {
            self.resource = resource
            self.soft = soft
            self.hard = hard
        }
    }

    /// Where a plan, the report and the control channel lie in jobs-init's descriptor table.
    package enum Descriptors {
        package static let plan: CInt = 3
        package static let report: CInt = 4
        package static let control: CInt = 5
        package static let first: CInt = 6
    }
}

extension Plan {
    package mutating func code(_ a: inout Archive) {
        a.list(&arguments, empty: "") { $0.field(&$1) }
        a.list(&environment, empty: "") { $0.field(&$1) }
        a.field(&directory)
        var spaces = namespaces.rawValue
        a.field(&spaces)
        namespaces = Namespaces(rawValue: spaces)
        a.field(&hostname, empty: "") { $0.field(&$1) }
        a.field(&monotonicOffset)
        a.field(&boottimeOffset)
        a.list(&mounts, empty: .empty) { $1.code(&$0) }
        a.list(&commandMounts, empty: .empty) { $1.code(&$0) }
        a.field(&initProcess)
        a.field(&hasCPUSet)
        a.field(&terminal)
        a.field(&identity, empty: Identity(uid: 0, gid: 0, groups: [])) { a, identity in
            a.field(&identity.uid)
            a.field(&identity.gid)
            a.list(&identity.groups, empty: 0) { $0.field(&$1) }
        }
        a.field(&capabilities.mask)
        a.field(&newPrivileges)
        a.field(&seccomp)
        a.field(&commandSeccomp)
        a.field(&umask, empty: 0) { $0.field(&$1) }
        a.list(&resourceLimits, empty: ResourceLimitValue(resource: 0, soft: 0, hard: 0)) { a, limit in
            a.field(&limit.resource)
            a.field(&limit.soft)
            a.field(&limit.hard)
        }
        a.field(&wallTimeUsec, empty: 0) { $0.field(&$1) }
        a.field(&cpuTimeUsec, empty: 0) { $0.field(&$1) }
        a.field(&graceUsec)
        a.field(&lingerUsec)
        a.field(&cgroupDescriptor, empty: 0) { $0.field(&$1) }
        a.list(&v1Descriptors, empty: 0) { $0.field(&$1) }
        a.field(&cgroupName)
        a.field(&cgroupLeaf, empty: "") { $0.field(&$1) }
        a.field(&killDescriptor, empty: 0) { $0.field(&$1) }
        a.field(&processesDescriptor, empty: 0) { $0.field(&$1) }
        a.field(&cpuUsageDescriptor, empty: 0) { $0.field(&$1) }
        a.field(&script, empty: Script()) { a, script in
            a.field(&script.path)
            a.list(&script.interpreter, empty: "") { $0.field(&$1) }
            a.field(&script.descriptor)
        }
        a.field(&queued, empty: Queued()) { a, queued in
            a.field(&queued.gateDescriptor)
            a.field(&queued.directoryDescriptor)
            a.field(&queued.outputLimit)
            a.field(&queued.outputMilliCPUs, empty: 0) { $0.field(&$1) }
            a.field(&queued.outputBytesPerSecond, empty: 0) { $0.field(&$1) }
        }
    }
}

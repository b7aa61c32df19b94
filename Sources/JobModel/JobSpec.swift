// SPDX-License-Identifier: Apache-2.0

/// Everything a job file, `#JOB` lines and flags can say about a job.
public struct JobSpec: Hashable, Sendable {
    public var name: String
    public var summary: String?
    public var command: Command?
    public var limits = Limits()
    public var isolation = Isolation()
    public var oom = OOMPolicy.killJob
    public var environment: [String: String] = [:]
    public var directory: String?
    /// A user name or number; root may choose, others only themselves.
    public var user: String?
    public var group: String?
    public var hostname: String?
    public var umask: UInt32?
    /// Of whoever submits it to the queue.
    public var export = ExportPolicy.none
    /// What it asks of the queue; `jobs run` has none and takes no notice.
    public var scheduling = Scheduling()

    public init(name: String, command: Command? = nil) {
        self.name = name
        self.command = command
    }
}

/// What an attempt executes.
public enum Command: Hashable, Sendable {
    /// Executed as it is, found through `PATH`.
    case arguments([String])
    /// Handed to `/bin/sh -c`.
    case shell(String)
    /// An executable script file with its arguments; run by its `#!` line.
    case script(path: String, arguments: [String])

    public var arguments: [String] {
        switch self {
        case .arguments(let list): list
        case .shell(let text): ["/bin/sh", "-c", text]
        case .script(let path, let arguments): [path] + arguments
        }
    }
}

/// What an OOM kill inside the job ends.
public enum OOMPolicy: String, Hashable, Sendable, CaseIterable, Codable {
    /// Any OOM kill ends the whole attempt: half of a job is no result.
    case killJob = "kill-job"
    /// Only the kernel's victim dies; the main process's exit decides and the kills are counted.
    case killProcess = "kill-process"
}

// SPDX-License-Identifier: Apache-2.0
import JobModel

/// What a running job uses at this moment: `live` of `GET /v1/jobs/{id}` and of the event stream.
public struct LiveUsage: Sendable, Hashable {
    /// Which job; in the event stream only.
    public var job: Int?
    public var memoryCurrentBytes: Int?
    public var cpuUsageUsec: Int?
    public var pidsCurrent: Int?

    public init(
        job: Int? = nil, memoryCurrentBytes: Int? = nil, cpuUsageUsec: Int? = nil, pidsCurrent: Int? = nil
    ) {
        self.job = job
        self.memoryCurrentBytes = memoryCurrentBytes
        self.cpuUsageUsec = cpuUsageUsec
        self.pidsCurrent = pidsCurrent
    }

    public init(json: JSON) {
        self.init(
            job: json["job"]?.intValue, memoryCurrentBytes: json["memory_current_bytes"]?.intValue,
            cpuUsageUsec: json["cpu_usage_usec"]?.intValue, pidsCurrent: json["pids_current"]?.intValue)
    }

    public var json: JSON {
        .object([
            "job": .int(job), "memory_current_bytes": .int(memoryCurrentBytes), "cpu_usage_usec": .int(cpuUsageUsec),
            "pids_current": .int(pidsCurrent),
        ])
    }
}

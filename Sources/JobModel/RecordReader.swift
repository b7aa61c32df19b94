// SPDX-License-Identifier: Apache-2.0

extension Record {
    /// Reads a record back; `nil` if it is none. What a later version added is passed over.
    public init?(json: JSON) {
        guard json["schema_version"]?.intValue == Self.schemaVersion, let job = json["job"],
            let name = job["name"]?.stringValue, let attempt = job["attempt"]?.intValue,
            let owner = job["owner"]?.stringValue,
            let state = json["state"]?.stringValue.flatMap({ JobState(rawValue: $0) }),
            let cause = json["cause"]?.stringValue.flatMap({ Cause(rawValue: $0) }), let host = json["host"],
            let kernel = host["kernel"]?.stringValue,
            let cgroupMode = host["cgroup_mode"]?.stringValue
        else { return nil }
        var usage = Usage()
        for figure in Usage.figures { usage[keyPath: figure.path] = json["usage"]?[figure.key]?.intValue }
        self.init(
            job: JobIdentity(id: job["id"]?.intValue, name: name, attempt: attempt, owner: owner),
            verdict: Verdict(
                state: state, cause: cause,
                exit: ExitStatus(code: json["exit"]?["code"]?.intValue, signal: json["exit"]?["signal"]?.intValue),
                message: json["message"]?.stringValue ?? ""),
            startedAt: json["started_at"]?.stringValue.flatMap { Timestamp(rfc3339: $0) },
            endedAt: json["ended_at"]?.stringValue.flatMap { Timestamp(rfc3339: $0) },
            limits: EffectiveLimits(json: json["limits"] ?? .null), usage: usage,
            host: HostDescription(
                kernel: kernel, cgroupMode: cgroupMode, board: host["board"]?.stringValue))
        unavailable = (json["unavailable"] ?? .null).texts
        partial = (json["partial"] ?? .null).texts
        sampled = (json["sampled"]?.arrayValue ?? []).compactMap(\.stringValue)
        trust = (json["trust"]?.arrayValue ?? []).compactMap { flag in
            guard let kind = flag["flag"]?.stringValue.flatMap({ TrustFlag.Kind(rawValue: $0) }) else { return nil }
            return TrustFlag(kind, flag["detail"]?.stringValue ?? "")
        }
        oom = json["oom"].flatMap { OOMEvidence(json: $0) }
        rest = Rest(
            terminated: json["rest"]?["terminated"]?.intValue ?? 0, killed: json["rest"]?["killed"]?.intValue ?? 0)
    }
}

extension EffectiveLimits {
    init(json: JSON) {
        self.init()
        memoryBytes = json["memory_bytes"]?.intValue
        swapBytes = json["swap_bytes"]?.intValue
        memorySoftBytes = json["memory_soft_bytes"]?.intValue
        cpus = json["cpus"]?.doubleValue.flatMap { CPUCount(value: $0) }
        cpuWeight = json["cpu_weight"]?.intValue
        cpuset = json["cpuset"]?.stringValue
        pids = json["pids"]?.intValue
        io = (json["io"]?.arrayValue ?? []).compactMap(\.stringValue)
        for member in json["hugepages"]?.objectValue ?? [] {
            if let size = Int(member.key) { hugepages[size] = member.value.intValue }
        }
        wallTimeUsec = json["wall_time_usec"]?.intValue
        cpuTimeUsec = json["cpu_time_usec"]?.intValue
        ancestorMemoryBytes = json["ancestor_memory_bytes"]?.intValue
        ancestorMemoryPath = json["ancestor_memory_path"]?.stringValue
        ancestorCPUs = json["ancestor_cpus"]?.doubleValue.flatMap { CPUCount(value: $0) }
        ancestorCPUsPath = json["ancestor_cpus_path"]?.stringValue
        ancestorPids = json["ancestor_pids"]?.intValue
        ancestorPidsPath = json["ancestor_pids_path"]?.stringValue
        unenforced = (json["unenforced"] ?? .null).texts
    }
}

extension OOMEvidence {
    init?(json: JSON) {
        guard let source = json["source"]?.stringValue.flatMap({ Source(rawValue: $0) }) else { return nil }
        let victims = (json["victims"]?.arrayValue ?? []).compactMap { victim -> OOMVictim? in
            guard let process = victim["process"]?.stringValue, let pid = victim["pid"]?.intValue else { return nil }
            return OOMVictim(process: process, pid: pid, anonRSSBytes: victim["anon_rss_bytes"]?.intValue)
        }
        let cause = json["cause"]?.stringValue.flatMap { Cause(rawValue: $0) }
        self.init(source: source, cause: cause, victims: victims, limitPath: json["limit_path"]?.stringValue)
    }
}

extension JSON {
    fileprivate var texts: [String: String] {
        var result: [String: String] = [:]
        for member in objectValue ?? [] { result[member.key] = member.value.stringValue }
        return result
    }
}

// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Cgroups
import JobModel
import Linux

/// The account of an attempt whose processes are gone.
extension Attempt {
    /// Reads everything while the cgroup still stands, then takes it away.
    ///
    /// - Parameter leaving: somebody does not want to wait for ``survivors``: what they still hold stands, for the next start
    ///   of jobs to remove.
    func finish(leaving: Bool = false) {
        // What memory consists of first: files in a private tmpfs go with the mounts.
        isFinished = true
        supervisor.live.remove(cgroup.name)
        let memory = cgroup.memoryStat()
        watch.sample(memory)
        stopWatching()
        if request.queued == nil {
            // jobs-init leaves when we close this; its mounts go with it while we read what the kernel counted, which
            // stays until the cgroup goes.
            launch.control = nil
        }
        var reading = cgroup.usage(memory)
        evidence.oom = reading.oom
        completeUsage(&reading)
        gatherOOMEvidence()
        evidence.usage = reading.usage
        if leaving { evidence.leftBehind = survivors.map { ProcessStat.description(of: $0) } }
        var (verdict, oom) = VerdictRules.decide(evidence)
        let trust = trustFlags(reading, memory)
        if request.queued == nil, !leaving {
            do throws(CgroupError) { try cgroup.remove() } catch {
                verdict.message += " Afterwards: \(error.description)."
            }
            reap()
        }
        var record = Record(
            job: request.identity, verdict: verdict, limits: evidence.limits, usage: reading.usage,
            host: supervisor.host)
        record.startedAt = start.map { Timestamp(microsecondsSinceEpoch: $0.realtimeUsec) }
        record.endedAt = exit.map { Timestamp(microsecondsSinceEpoch: $0.realtimeUsec) }
        record.unavailable = reading.unavailable
        record.partial = reading.partial
        if let oom, oom.limitPath == nil {
            record.unavailable["oom_limit_path"] =
                oom.cause == .system
                ? "the whole machine was out of memory, and no cgroup at its limit"
                : "the cgroup lies above what can be seen from here"
        }
        record.sampled = watch.sampledKeys
        record.trust = trust
        record.oom = oom
        record.rest = evidence.rest
        onEnd(record)
    }

    /// Ends the account of an attempt that has a ``survival``, without waiting for it.
    package func leave() { if !isFinished { finish(leaving: true) } }

    private func completeUsage(_ reading: inout UsageReading) {
        let lost = missing
        let wall: Int? = if let start, let exit { exit.monotonicUsec - start.monotonicUsec } else { nil }
        reading.set("wall_time_usec", \.wallTimeUsec, wall, otherwise: lost)
        reading.set("suspended_usec", \.suspendedUsec, exit?.suspendedUsec, otherwise: lost)
        setLargestProcess(&reading, otherwise: lost)
        reading.set("voluntary_switches", \.voluntarySwitches, exit?.voluntarySwitches, otherwise: lost)
        reading.set("involuntary_switches", \.involuntarySwitches, exit?.involuntarySwitches, otherwise: lost)
        watch.fill(&reading)
    }

    /// Why there is no figure of jobs-init's.
    private var missing: String {
        if exit != nil { return "its jobs-init, of another version, does not tell it" }
        if evidence.unreadable != nil { return "what jobs-init has told cannot be read" }
        return start == nil ? "the command never started" : "jobs-init ended without a report"
    }

    /// The kernel adds a process to what its parent knows when the parent waits for it. One that ignores SIGCHLD never does.
    private func setLargestProcess(_ reading: inout UsageReading, otherwise lost: String) {
        var (rss, reason): (Int?, String) = (nil, lost)
        if let largest = exit?.maxRSSBytes, let floor = exit?.floorRSSBytes, let known = exit?.cpuUsec {
            rss = largest
            let unknown = (reading.usage.cpuUsageUsec ?? 0) - known
            if largest <= floor {
                (rss, reason) = (nil, "not above \(ByteCount(floor)), below which the kernel shows jobs-init's own")
            } else if unknown > 10_000 + known / 20 {
                // Below that it may be the ends of many processes, which the kernel counts for the cgroup alone.
                let time = JobDuration(microseconds: unknown)
                (rss, reason) = (
                    nil, "nobody waited for processes that used \(time) of CPU time, so theirs is not known"
                )
            }
        }
        reading.set("rss_max_bytes", \.rssMaxBytes, rss, otherwise: reason)
    }

    private func gatherOOMEvidence() {
        guard evidence.oom.kills > 0 else { return }
        evidence.ancestorsReached = AncestorLimits.risen(baseline?.ancestors ?? [], cgroup.ancestorCounters()).map(
            \.path)
        evidence.kernelLog = kernelLog?.kills(inCgroupNamed: cgroup.name) ?? []
    }

    private func trustFlags(_ reading: UsageReading, _ memory: FlatKeyed) -> [TrustFlag] {
        let usage = reading.usage
        // Of no use to anybody: it never began.
        guard let baseline else { return [] }
        var flags = MachineReading.flags(before: baseline.machine, after: MachineReading(supervisor.sources))
        if let throttled = usage.cpuThrottledPeriods, throttled > 0 {
            let time = JobDuration(microseconds: usage.cpuThrottledUsec ?? 0)
            flags.append(
                TrustFlag(
                    .cpuThrottled,
                    "its CPU quota held it back for \(time) in \(throttled) of \(usage.cpuPeriods ?? throttled) periods"
                ))
        }
        if start != nil, evidence.oom.kills == 0, (usage.memoryLimitHits ?? 0) > 0 || evidence.oom.reachedLimit == true,
            hasReclaimedCache(usage, memory)
        {
            let often = usage.memoryLimitHits.map { " \($0) times" } ?? ""
            flags.append(
                TrustFlag(
                    .cacheLimited,
                    "it reached its memory limit\(often) and page cache was reclaimed; more memory may make it faster"))
        }
        let companions = baseline.companions.union(
            supervisor.companions(of: cgroup.name, queued: request.queued != nil))
        if !companions.isEmpty {
            flags.append(
                TrustFlag(
                    .otherJobs, "\(companions.count) other \(companions.count == 1 ? "job" : "jobs") ran beside it"))
        }
        if evidence.limits.unenforced["io"] != nil, !evidence.limits.io.isEmpty {
            flags.append(
                TrustFlag(
                    .bufferedWrites,
                    "its limit for writes leaves out what goes through the page cache, and so do its figures"))
        }
        let above = AncestorLimits(
            asked: request.spec.limits, limits: evidence.limits, forksRefused: reading.forksRefusedAbove,
            throttled: AncestorLimits.risen(baseline.throttling, cgroup.ancestorThrottling()),
            refused: AncestorLimits.risen(baseline.refusals, cgroup.ancestorRefusals()))
        return flags + above.flags + limitFlags() + confinementFlags()
    }

    /// A job that could change what limits and counts it, whether it did or not.
    private func confinementFlags() -> [TrustFlag] {
        var reasons: [String] = []
        if request.spec.isolation.capabilities.contains("SYS_ADMIN") {
            reasons.append("it had the CAP_SYS_ADMIN capability")
        }
        if request.spec.isolation.seccomp == .off {
            reasons.append("its system calls were not filtered (seccomp: off)")
        }
        if !request.spec.isolation.mount, Self.isOwnUsers(request.spec) {
            reasons.append("it saw the cgroup files as its user, whose they are, does outside (--no-mount)")
        }
        guard !reasons.isEmpty else { return [] }
        return [
            TrustFlag(.unconfined, "it could change its limits and figures: " + reasons.joined(separator: ", and "))
        ]
    }

    /// Whether what made room at the limit was page cache. Where there is swap it may have been anonymous memory, and where
    /// nothing could be reclaimed memory was refused.
    private func hasReclaimedCache(_ usage: Usage, _ memory: FlatKeyed) -> Bool {
        let isSeen = (usage.memoryFileBytes ?? 0) > 1 << 20
        let hasNoSwap = evidence.limits.swapBytes == 0 || !supervisor.sources.hasSwap
        // v1 does not count what it reclaims, and tells of a limit at which nothing was left to reclaim.
        guard let reclaimed = memory["pgsteal"] else { return isSeen || hasNoSwap && !watch.hasSeenLimit }
        return reclaimed > 0 && (isSeen || hasNoSwap)
    }

    /// Only the supervisor writes the limits of an attempt, and only once.
    private func limitFlags() -> [TrustFlag] {
        guard start != nil, cgroup.isThere else { return [] }
        let (before, after) = (evidence.limits, cgroup.effective(request.spec.limits))
        func text(_ bytes: Int) -> String { ByteCount(bytes).human() }
        let changes: [(limit: String, from: String, to: String)] = [
            before.memoryBytes.map { ("memory", text($0), after.memoryBytes.map(text) ?? "none") },
            before.swapBytes.map { ("swap", text($0), after.swapBytes.map(text) ?? "none") },
            before.pids.map { ("pids", "\($0)", after.pids.map { "\($0)" } ?? "none") },
            before.cpus.map { ("cpus", "\($0)", after.cpus.map { "\($0)" } ?? "none") },
        ].compactMap { $0 }.filter { $0.1 != $0.2 }
        guard !changes.isEmpty else { return [] }
        let list = changes.map { "\($0.limit) from \($0.from) to \($0.to)" }.joined(separator: ", ")
        return [TrustFlag(.limitsChanged, "limits were changed during the run: \(list)")]
    }
}

// SPDX-License-Identifier: Apache-2.0
import Cgroups
import JobModel

/// What the limits of cgroups above an attempt did to it, as against its own.
struct AncestorLimits {
    var asked: Limits
    var limits: EffectiveLimits
    /// Forks of the job that were refused and not by its own limit.
    var forksRefused = 0
    /// Of quotas and of limits of processes above: by how much their counters rose, nearest first.
    var throttled: [AttemptCgroup.Reached] = []
    var refused: [AttemptCgroup.Reached] = []

    static func risen(_ before: [AttemptCgroup.Reached], _ after: [AttemptCgroup.Reached]) -> [AttemptCgroup.Reached] {
        let before = Dictionary(before.map { ($0.path, $0.count) }) { first, _ in first }
        return after.compactMap { path, count in
            before[path].flatMap { count > $0 ? (path, count - $0) : nil }
        }
    }

    var flags: [TrustFlag] {
        var texts: [String] = []
        if let wanted = asked.cpus, let most = limits.ancestorCPUs, most < wanted {
            texts.append(
                "it was to have \(wanted) CPUs, and \(limits.ancestorCPUsPath ?? "a cgroup above it") leaves \(most)")
        }
        if let wanted = asked.pids, let most = limits.ancestorPids, most < wanted {
            texts.append(
                "it was to have \(wanted) processes, and \(limits.ancestorPidsPath ?? "a cgroup above it") leaves \(most)"
            )
        }
        for (path, periods) in throttled {
            texts.append("the CPU quota of \(path) held it and others below back in \(periods) periods")
        }
        for (path, forks) in refused {
            texts.append("the pids limit of \(path) refused \(forks) forks, to it or to others below")
        }
        if forksRefused > 0 {
            let path = limits.ancestorPidsPath.map { "of \($0)" } ?? "above it that cannot be seen from here"
            texts.append("a pids limit \(path) refused it \(forksRefused) forks, not its own")
        }
        return texts.map { TrustFlag(.ancestorLimit, $0) }
    }
}

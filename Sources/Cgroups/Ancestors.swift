// SPDX-License-Identifier: Apache-2.0
import JobModel

/// The limits of the cgroups above an attempt: which are the tightest, and how often they have held back what is below.
extension AttemptCgroup {
    /// A cgroup above, and how often its limit has been reached.
    package typealias Reached = (path: String, count: Int)

    static let limitedAbove: [Controller] = [.memory, .cpu, .pids]

    /// The cgroups above, nearest first, of each controller that limits.
    ///
    /// A job without a quota has no directory for the CPU controller of v1: what is above the others' limits it as well.
    static func ancestors(
        of directories: [Controller: CgroupDirectory], in root: CgroupRoot
    ) -> [Controller: [CgroupDirectory]] {
        var result: [Controller: [CgroupDirectory]] = [:]
        for controller in limitedAbove {
            let place = directories[controller].map { (parentPath($0.path), $0.version) }
            guard let (base, version) = place ?? root.base(of: controller).map({ ($0.path, $0.version) }) else {
                continue
            }
            result[controller] = root.ancestry.above(base) { root.host.ancestors(from: base, controller, version) }
        }
        return result
    }

    func readAncestors(into limits: inout EffectiveLimits) {
        if let type = directories[.memory]?.version.memoryController {
            (limits.ancestorMemoryBytes, limits.ancestorMemoryPath) = tightest(.memory) { type.limit(of: $0) }
        }
        (limits.ancestorCPUs, limits.ancestorCPUsPath) = quotaAbove
        (limits.ancestorPids, limits.ancestorPidsPath) = tightest(.pids) { $0.readInt("pids.max") }
    }

    var quotaAbove: (CPUCount?, path: String?) { tightest(.cpu) { CPUController.quota(of: $0) } }

    private func tightest<Limit: Comparable>(
        _ controller: Controller, _ limit: (CgroupDirectory) -> Limit?
    ) -> (Limit?, String?) {
        let limited = ancestors[controller, default: []].compactMap { above in limit(above).map { ($0, above.path) } }
        guard let tightest = limited.min(by: { $0.0 < $1.0 }) else { return (nil, nil) }
        return tightest
    }

    /// OOM kills; compared before and after, they tell which limit was the cause.
    package func ancestorCounters() -> [Reached] {
        guard let type = directories[.memory]?.version.memoryController else { return [] }
        return counts(.memory) { type.ancestorCounter(of: $0) }
    }

    /// Periods in which a quota above held back what is below it.
    package func ancestorThrottling() -> [Reached] {
        counts(.cpu) { CPUController.quota(of: $0) == nil ? nil : FlatKeyed($0.read("cpu.stat"))["nr_throttled"] }
    }

    /// Forks refused by a limit above, to all that are below it. Only since 6.12, on v2, are they counted where the limit is.
    package func ancestorRefusals() -> [Reached] {
        counts(.pids) { $0.version == .v2 ? FlatKeyed($0.read("pids.events.local"))["max"] : nil }
    }

    private func counts(_ controller: Controller, _ count: (CgroupDirectory) -> Int?) -> [Reached] {
        ancestors[controller, default: []].compactMap { above in count(above).map { (above.path, $0) } }
    }
}

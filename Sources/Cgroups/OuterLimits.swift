// SPDX-License-Identifier: Apache-2.0
import JobModel
import Synchronization

/// What the cgroups above all attempts leave to them together.
package struct OuterLimits: Hashable, Sendable {
    /// The tightest of their memory limits; `nil` if none has one.
    package var memoryBytes: Int?
    package var cpus: CPUCount?
}

/// The cgroups above attempts, which they have in common, so that each is looked up once.
final class Ancestry: Sendable {
    private let known = Mutex<[String: [CgroupDirectory]]>([:])

    /// - Parameter find: what to do if those above the cgroups in `base` are not known.
    func above(_ base: String, find: () -> [CgroupDirectory]) -> [CgroupDirectory] {
        if let found = known.withLock({ $0[base] }) { return found }
        let found = find()
        known.withLock { $0[base] = found }
        return found
    }

    /// One of them was made anew.
    func forget() { known.withLock { $0 = [:] } }
}

extension CgroupHost {
    /// The cgroups above `path` that we can see, nearest first.
    func ancestors(of path: String, _ controller: Controller, _ version: CgroupVersion) -> [CgroupDirectory] {
        ancestors(from: parentPath(path), controller, version)
    }

    /// The same of any cgroup in `base`, which is the nearest.
    func ancestors(from base: String, _ controller: Controller, _ version: CgroupVersion) -> [CgroupDirectory] {
        let top = version == .v1 ? v1[controller]?.mountPoint : unified?.mountPoint
        var result: [CgroupDirectory] = []
        var path = base
        // The mount point too: in a container it is the container's own cgroup, with its limit. A real root has none.
        while let top, path == top || path.hasPrefix(top + "/") {
            if let ancestor = try? CgroupDirectory(path: path, version: version, keepsFilesOpen: true) {
                result.append(ancestor)
            }
            path = parentPath(path)
        }
        return result
    }
}

extension CgroupRoot {
    /// Reads the limits above the attempts: of a container, a slice or a service.
    package func outerLimits() -> OuterLimits {
        var limits = OuterLimits()
        if let base = base(of: .memory) {
            let type = base.version.memoryController
            limits.memoryBytes =
                host.ancestors(of: base.path, .memory, base.version).compactMap { type.limit(of: $0) }.min()
        }
        if let base = base(of: .cpu) {
            limits.cpus =
                host.ancestors(of: base.path, .cpu, base.version).compactMap { CPUController.quota(of: $0) }.min()
        }
        return limits
    }

    func base(of controller: Controller) -> (path: String, version: CgroupVersion)? {
        switch version(of: controller) {
        case .v1: v1Bases[controller].map { ($0, .v1) }
        case .v2: unifiedBase.map { ($0, .v2) }
        case nil: nil
        }
    }
}

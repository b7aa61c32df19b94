// SPDX-License-Identifier: Apache-2.0
import Cgroups

// Which controllers attempts can use, and what withholds the others.
extension Facts {
    enum Availability: Hashable {
        case usable(CgroupVersion)
        /// The machine has it, our part of the tree does not.
        case withheld
        case absent
    }

    func availability(_ controller: Controller) -> Availability {
        guard let cgroups, let version = cgroups.version(of: controller) else { return .absent }
        // Where no cgroup can be made, nothing can be limited.
        guard route != .refused else { return .withheld }
        return version == .v1 || cgroups.mode != .unified || withinReach.contains(controller)
            ? .usable(version) : .withheld
    }

    /// The v2 controllers that the route we take leads to.
    private var withinReach: Set<Controller> {
        let all = cgroups?.v2Controllers ?? []
        switch route {
        case .below: return all
        case .refused: return []
        case .delegated, .shared: return place.controllers
        // systemd manages, and hands down, five of them.
        case .systemScope: return all.intersection(Self.systemdDelegates)
        case .userScope: return all.intersection(systemd.userControllers ?? all)
        }
    }

    static let systemdDelegates: Set<Controller> = [.cpu, .cpuset, .io, .memory, .pids]

    var controllerFindings: [Finding] {
        guard cgroups != nil else { return [] }
        return Controller.v2.map(controller) + [devices, limits]
    }

    private func controller(_ controller: Controller) -> Finding {
        let (id, title) = ("\(controller.rawValue)-controller", "\(controller.rawValue) controller")
        let missing: Finding.Status = controller == .memory ? .broken : .degraded
        switch availability(controller) {
        case .usable(.v1): return Finding(id, title, .ok, "usable on v1" + (controller == .io ? ", as blkio" : ""))
        case .usable(.v2): return Finding(id, title, .ok, "usable on v2")
        case .withheld where route == .refused:
            return Finding(
                id, title, missing, "the machine has it, but no cgroup can be made here",
                remedy: "as under cgroup place above")
        case .withheld where controller == .hugetlb && systemd.isRunning:
            return Finding(
                id, title, .degraded, "systemd hands no hugetlb down",
                remedy: "nothing, unless a job limits `hugepages`: start that one in a cgroup made by hand")
        case .withheld where route == .userScope:
            return Finding(
                id, title, missing, "the machine has it, your user manager was not given it",
                remedy: "as under delegation above")
        case .withheld:
            let own = route == .shared ? place.divisible : cgroups?.unified?.own ?? ""
            return Finding(
                id, title, missing, "not handed down to \(own)",
                remedy: platform.manager.remedy(for: .missingControllers, path: own, isRoot: user.isRoot))
        case .absent where controller == .memory:
            return Finding(id, title, .broken, whyNoMemory, remedy: memoryRemedy)
        case .absent:
            return Finding(
                id, title, .degraded,
                "this kernel offers none: built without \(controller.option), or hidden by a container",
                remedy: "only needed for \(controller.limits): boot a kernel with \(controller.option)")
        }
    }

    /// The sum of the lines above, in the words of a job file.
    private var limits: Finding {
        let (id, title) = ("limits", "limits")
        func isUsable(_ controller: Controller) -> Bool {
            if case .usable = availability(controller) { true } else { false }
        }
        let kinds: [(limit: String, isThere: Bool)] = [
            ("memory", isUsable(.memory)), ("cpus", isUsable(.cpu)), ("cpu-weight", isUsable(.cpu)),
            ("cpuset", isUsable(.cpuset)), ("pids", isUsable(.pids)), ("io", isUsable(.io)),
            ("hugepages", isUsable(.hugetlb)), ("devices", route != .refused && devices.status == .ok),
        ]
        let missing = kinds.filter { !$0.isThere }.map(\.limit)
        // The supervisor's own, which take no controller.
        let there =
            kinds.filter(\.isThere).map(\.limit) + ["wall-time", "cpu-time", "nofile", "fsize", "stack", "core"]
        guard route != .refused else {
            return Finding(
                id, title, .broken, "none: jobs are refused where they cannot have a cgroup",
                remedy: "as under cgroup place above")
        }
        return Finding(
            id, title, .ok,
            there.joined(separator: " ") + (missing.isEmpty ? "" : "; not here: " + missing.joined(separator: " ")))
    }

    private var devices: Finding {
        let (id, title) = ("device-limits", "device limits")
        if cgroups?.v1[.devices] != nil { return Finding(id, title, .ok, "usable, by the v1 devices controller") }
        if mayLoadBPF, cgroups?.unified != nil { return Finding(id, title, .ok, "usable, by a BPF program") }
        return Finding(
            id, title, .degraded, "a device program needs CAP_BPF or CAP_SYS_ADMIN",
            remedy: user.isRoot
                ? "nothing, unless a job limits `devices`: run that one outside of this container"
                : "nothing, unless a job limits `devices`: run that one as root")
    }
}

extension Controller {
    /// The kernel's build option.
    fileprivate var option: String {
        switch self {
        case .memory: "CONFIG_MEMCG"
        case .cpu: "CONFIG_CGROUP_SCHED"
        case .cpuset: "CONFIG_CPUSETS"
        case .pids: "CONFIG_CGROUP_PIDS"
        case .io: "CONFIG_BLK_CGROUP"
        case .hugetlb: "CONFIG_CGROUP_HUGETLB"
        case .cpuacct: "CONFIG_CGROUP_CPUACCT"
        case .devices: "CONFIG_CGROUP_DEVICE"
        case .freezer: "CONFIG_CGROUP_FREEZER"
        }
    }

    /// What in a job file needs it.
    fileprivate var limits: String {
        switch self {
        case .cpu, .cpuacct: "`cpus` and `cpu-weight`"
        case .hugetlb: "`hugepages`"
        case .memory, .cpuset, .pids, .io, .devices, .freezer: "`\(rawValue)`"
        }
    }
}

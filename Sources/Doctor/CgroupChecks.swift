// SPDX-License-Identifier: Apache-2.0
import Cgroups

/// How attempts get a place in the cgroup tree; the same choice that `Workplace` makes.
enum Route {
    /// In a directory below our own cgroup: v1, or root at the top of the v2 tree.
    case below
    /// Our own cgroup was delegated to us.
    case delegated
    /// Without systemd: our own cgroup, whose other processes are moved to a leaf once.
    case shared
    case systemScope
    case userScope
    case refused
}

// The layout of the hierarchies and our place in them.
extension Facts {
    var cgroupFindings: [Finding] {
        guard cgroups != nil else {
            return [
                Finding(
                    "cgroup-mode", "cgroup mode", .broken, "no cgroup hierarchy is mounted: nothing can be limited",
                    remedy: "mount one (systemd does this at boot):\n  sudo mount -t cgroup2 none /sys/fs/cgroup",
                    isFixable: true)
            ]
        }
        return [mode, placeFinding].compactMap { $0 }
    }

    var route: Route {
        guard let cgroups else { return .refused }
        let ours: Route = place.refusals.isEmpty ? .below : .refused
        guard cgroups.mode == .unified else { return ours }
        if systemd.isRunning, platform.manager != .job {
            return place.isOursAlone && place.isMarked ? .delegated : user.isRoot ? .systemScope : .userScope
        }
        if isSystemdOutOfReach || place.problem != nil { return .refused }
        if place.isHierarchyRoot { return user.isRoot ? ours : .refused }
        return place.refusals.isEmpty ? .shared : .refused
    }

    /// An engine has had the cgroup of a container delegated; a job divides its own.
    private var isSystemdOutOfReach: Bool {
        place.isSystemds && platform.manager != .job && !platform.manager.isContainer
    }

    private var mode: Finding {
        let (id, title) = ("cgroup-mode", "cgroup mode")
        switch cgroups?.mode {
        case .unified: return Finding(id, title, .ok, "unified: cgroup v2 for everything")
        case .hybrid: return Finding(id, title, .ok, "hybrid: limits on v1, kill and events on v2")
        case .legacy, nil:
            return Finding(
                id, title, .degraded,
                "legacy: cgroup v1 only; no cgroup.kill, no pressure, no events when a cgroup gets empty",
                remedy: systemd.isRunning
                    ? "\(unifyAtBoot) and reboot"
                    : """
                    mount the v2 tree too:
                      sudo mkdir -p /sys/fs/cgroup/unified
                      sudo mount -t cgroup2 none /sys/fs/cgroup/unified
                    """, isFixable: !systemd.isRunning
            )
        }
    }

    /// Where nobody but us can say whether cgroups may be made; a scope is systemd's business.
    private var placeFinding: Finding? {
        let (id, title) = ("cgroup-place", "cgroup place")
        let own = cgroups?.unified?.own ?? ""
        switch route {
        case .systemScope, .userScope: return nil
        case .below: return Finding(id, title, .ok, "cgroups can be made below our own")
        case .delegated: return Finding(id, title, .ok, "\(own) is delegated to us")
        case .shared: return Finding(id, title, .ok, sharedPlace)
        case .refused: break
        }
        if let refusal = place.refusals.first {
            return Finding(
                id, title, .broken, "no cgroup can be made in \(refusal.path): \(refusal.reason)",
                remedy: remedy(for: refusal), isFixable: refusal.isReadOnly && !platform.manager.isContainer)
        }
        if let problem = place.problem, !isSystemdOutOfReach {
            return Finding(id, title, .broken, "\(problem.path) cannot be divided", remedy: problem.remedy)
        }
        return Finding(
            id, title, .broken,
            "systemd manages this machine's cgroups but cannot be reached from here, as in a chroot",
            remedy: "bind /run to /run of this root, from outside of it:\n  mount --rbind /run ROOT/run")
    }

    private var sharedPlace: String {
        switch place.neighbours {
        case 0: return "\(place.divisible) is divided among jobs and others"
        case 1: return "1 process shares \(place.divisible): the first job moves it to a leaf below, once"
        default:
            return
                "\(place.neighbours) processes share \(place.divisible): the first job moves them to a leaf below, once"
        }
    }

    /// Somebody may have asked for v1; the last word wins, but two that contradict each other are a trap.
    private var unifyAtBoot: String {
        let word = "systemd.unified_cgroup_hierarchy="
        guard let old = commandLine.last(where: { $0.hasPrefix(word) && $0 != word + "1" }) else {
            return "add \(word)1 to \(commandLineHome)"
        }
        return "replace \(old) by \(word)1 in \(commandLineHome)"
    }

    private func remedy(for refusal: Refusal) -> String {
        let unified = cgroups?.mode == .unified
        if !refusal.isReadOnly, !user.isRoot, !unified {
            let asRoot = "cgroup v1 cannot be handed to users: run jobs as root"
            return systemd.isRunning ? asRoot + ", or \(unifyAtBoot) and reboot" : asRoot
        }
        return platform.manager.remedy(
            for: refusal.isReadOnly ? .readOnly : .denied, path: refusal.path, isRoot: user.isRoot,
            mountPoint: cgroups?.mountPoint(of: refusal.path) ?? "/sys/fs/cgroup")
    }
}

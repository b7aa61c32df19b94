// SPDX-License-Identifier: Apache-2.0
import Cgroups

/// How attempts get a place in the cgroup tree; the same choice that `Workplace` makes.
enum Route {
    /// In a directory below our own cgroup: v1, or root at the top of the v2 tree.
    case below
    /// Our own cgroup was delegated to us.
    case delegated
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
                    remedy: "mount one (systemd does this at boot):\n  sudo mount -t cgroup2 none /sys/fs/cgroup")
            ]
        }
        return [mode, placeFinding].compactMap { $0 }
    }

    var route: Route {
        guard let cgroups else { return .refused }
        let ours: Route = place.refusals.isEmpty ? .below : .refused
        guard cgroups.mode == .unified else { return ours }
        if systemd.isRunning {
            return place.isOursAlone && place.isMarked ? .delegated : user.isRoot ? .systemScope : .userScope
        }
        if place.isHierarchyRoot { return user.isRoot ? ours : .refused }
        return place.isOursAlone ? .delegated : .refused
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
                    : "mount the v2 tree too:\n  sudo mkdir -p /sys/fs/cgroup/unified && sudo mount -t cgroup2 none /sys/fs/cgroup/unified"
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
        case .refused: break
        }
        if let refusal = place.refusals.first {
            return Finding(
                id, title, .broken, "no cgroup can be made in \(refusal.path): \(refusal.reason)",
                remedy: remedy(for: refusal))
        }
        return Finding(
            id, title, .broken,
            "there is no systemd to ask for a cgroup, and other processes are in \(own) beside us",
            remedy: placeByHand(own))
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
        if refusal.isReadOnly {
            return platform.container == nil
                ? "make it writable:\n  sudo mount -o remount,rw \(cgroups?.unified?.mountPoint ?? "/sys/fs/cgroup")"
                : "start the container with a writable cgroup tree of its own (docker or podman):\n  docker run --privileged --cgroupns=private …"
        }
        if user.isRoot { return "start jobs outside of the sandbox that refuses this" }
        if cgroups?.mode == .unified { return placeByHand(cgroups?.unified?.own ?? "") }
        let asRoot = "cgroup v1 cannot be handed to users: run jobs as root"
        return systemd.isRunning
            ? asRoot + ", or \(unifyAtBoot) and reboot" : asRoot
    }

    /// What docker-in-docker does too: processes and controllers of a v2 cgroup exclude each other, except at the top.
    private func placeByHand(_ own: String) -> String {
        let shell = user.isRoot ? "sh" : "sudo sh"
        let become =
            user.isRoot
            ? "exec jobs run …"
            : "chown \(user.name) $d $d/cgroup.procs $d/cgroup.subtree_control && exec setpriv --reuid \(user.name) --regid \(user.id) --init-groups jobs run …"
        var lines: [String] = []
        if !place.isHierarchyRoot {
            lines += [
                "once, move everybody out of the way:",
                "  \(shell) -c 'mkdir -p \(own)/others && for p in $(cat \(own)/cgroup.procs); do echo $p > \(own)/others/cgroup.procs; done'",
            ]
        }
        lines += [
            "once, hand the controllers down:",
            "  \(shell) -c 'for c in cpu cpuset io memory pids; do echo +$c > \(own)/cgroup.subtree_control; done'",
            "then give every run a cgroup of its own:",
            "  \(shell) -c 'd=\(own)/jobs-$$ && mkdir $d && echo $$ > $d/cgroup.procs && \(become)'",
        ]
        return lines.joined(separator: "\n")
    }
}

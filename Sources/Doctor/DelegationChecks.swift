// SPDX-License-Identifier: Apache-2.0
import Cgroups

// systemd, and what it hands down to whoever asks for a scope.
extension Facts {
    var delegationFindings: [Finding] {
        guard let cgroups else { return [] }
        return [systemdFinding(cgroups), delegation].compactMap { $0 }
    }

    private func systemdFinding(_ cgroups: CgroupHost) -> Finding {
        let (id, title) = ("systemd", "systemd")
        guard cgroups.mode == .unified else {
            return Finding(
                id, title, .ok, systemd.isRunning ? "runs; not asked on v1" : "does not run, and is not needed on v1")
        }
        guard systemd.isRunning else { return Finding(id, title, .ok, "does not run: see cgroup place") }
        guard systemd.hasLibrary else {
            return Finding(
                id, title, .broken,
                "runs, but libsystemd.so.0 cannot be loaded, so that nobody can ask it for a cgroup",
                remedy: "install it:\n  sudo apt-get install -y libsystemd0", isFixable: true)
        }
        return Finding(id, title, .ok, "runs")
    }

    private var delegation: Finding? {
        let (id, title) = ("delegation", "delegation")
        switch route {
        case .below, .delegated, .shared, .refused: return nil
        case .systemScope: return Finding(id, title, .ok, "root: every run gets a scope of its own")
        case .userScope: break
        }
        let unit = "user@\(user.id).service"
        guard let given = systemd.userControllers else {
            return Finding(
                id, title, .broken, "\(unit) does not run, so that there is nobody who could delegate",
                remedy: """
                    log in through ssh or a console (su and sudo -u start no user manager), or keep one running:
                      sudo loginctl enable-linger \(user.name)
                    """)
        }
        switch systemd.userBus {
        case .reachable: break
        case .unnamed:
            return Finding(
                id, title, .broken, "\(unit) runs, but XDG_RUNTIME_DIR does not say where its bus is",
                remedy: "say it:\n  export XDG_RUNTIME_DIR=/run/user/\(user.id)")
        case .missing:
            return Finding(
                id, title, .broken, "\(unit) runs, but has no bus at /run/user/\(user.id)/bus",
                remedy: "install it, then log in again:\n  sudo apt-get install -y dbus-user-session", isFixable: true)
        }
        // What the machine itself lacks no drop-in brings.
        let missing = Self.systemdDelegates.intersection(cgroups?.v2Controllers ?? []).subtracting(given)
        guard !missing.isEmpty else {
            return Finding(id, title, .ok, "\(unit) hands down \(names(given))")
        }
        return Finding(
            id, title, missing.contains(.memory) ? .broken : .degraded,
            "\(unit) hands down \(given.isEmpty ? "nothing" : names(given)), but not \(names(missing))",
            remedy: Self.dropIn, isFixable: true)
    }

    /// systemd's own default gives users memory and pids, 257 cpu as well.
    static let dropIn = """
        delegate them all; this writes [Service] Delegate=cpu cpuset io memory pids to a drop-in of user@.service:
          sudo mkdir -p /etc/systemd/system/user@.service.d
          printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' | sudo tee /etc/systemd/system/user@.service.d/delegate.conf
          sudo systemctl daemon-reload
        then log out of every session and in again, or reboot
        """

    private func names(_ controllers: Set<Controller>) -> String {
        controllers.map(\.rawValue).sorted().joined(separator: " ")
    }
}

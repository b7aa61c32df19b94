// SPDX-License-Identifier: Apache-2.0
import Supervisor

// What the isolation of a job is made of.
extension Facts {
    var namespaceFindings: [Finding] { [kinds, userNamespaces] }

    private var kinds: Finding {
        let (id, title) = ("namespaces", "namespaces")
        // The default isolation of a job takes the first four; `time` has a line of its own among the features.
        let needed = ["mnt", "pid", "ipc", "uts", "net", "cgroup"]
        let missing = needed.filter { !namespaces.kinds.contains($0) }
        if missing.isEmpty { return Finding(id, title, .ok, needed.joined(separator: " ")) }
        return Finding(
            id, title, missing.contains { needed.prefix(4).contains($0) } ? .broken : .degraded,
            "this kernel lacks \(missing.joined(separator: " ")): jobs that ask for them are refused",
            remedy: "boot a kernel with CONFIG_NAMESPACES and its parts, or switch these off under `isolation`")
    }

    private var userNamespaces: Finding {
        let (id, title) = ("user-namespaces", "user namespaces")
        guard let (reason, remedy) = userNamespaceProblem else {
            return Finding(
                id, title, .ok,
                (namespaces.user == .untried ? "not switched off" : "usable")
                    + (user.isRoot ? ", not needed by root" : ""))
        }
        // Root has namespaces without them; only `isolation: user` asks.
        return Finding(
            id, title, user.isRoot ? .degraded : .broken,
            reason
                + (user.isRoot
                    ? "; root needs them for `isolation: user` only" : "; without root no job can be isolated"),
            remedy: remedy, isFixable: isSwitchedOff)
    }

    /// Only a switch of the kernel is in the way.
    private var isSwitchedOff: Bool {
        // Root needs none but for one kind of job, and whoever switched them off for everybody meant it.
        !user.isRoot && namespaces.user != .works
            && (namespaces.maxUserNamespaces == 0 || namespaces.unprivilegedUsernsClone == 0)
    }

    /// The outcome of a whole job; it decides where single findings only suspect.
    var trialFindings: [Finding] {
        let (id, title) = ("trial", "a job's isolation")
        switch trial {
        case .untried: return []
        case .works(let userNamespace):
            return [
                Finding(
                    id, title, .ok,
                    userNamespace
                        ? "tried: jobs get it, in a user namespace that stands in for CAP_SYS_ADMIN"
                        : "tried: jobs get it")
            ]
        case .fails(let reason, let remedy):
            return [Finding(id, title, .broken, "tried, and refused: \(reason)", remedy: remedy)]
        }
    }

    /// The switches explain a failure; when making one worked, they do not matter.
    private var userNamespaceProblem: (String, String)? {
        if namespaces.user == .works { return nil }
        if !namespaces.kinds.contains("user"), !namespaces.kinds.isEmpty {
            return ("this kernel has none", "boot a kernel with CONFIG_USER_NS")
        }
        if namespaces.maxUserNamespaces == 0 {
            return ("user.max_user_namespaces is 0", sysctl("user.max_user_namespaces=15000"))
        }
        if !user.isRoot, namespaces.unprivilegedUsernsClone == 0 {
            return ("kernel.unprivileged_userns_clone is 0", sysctl("kernel.unprivileged_userns_clone=1"))
        }
        if !user.isRoot, namespaces.apparmorRestrictsUserns == 1 {
            return (
                "kernel.apparmor_restrict_unprivileged_userns is 1: AppArmor takes the capabilities in them away",
                """
                let jobs have them, with an AppArmor profile of its own:
                  printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile jobs /usr/{,local/}bin/{jobs,jobsctl} flags=(unconfined) {\\n  userns,\\n}\\n' | sudo tee /etc/apparmor.d/jobs
                  sudo apparmor_parser -r /etc/apparmor.d/jobs
                or let every program have them; \(sysctl("kernel.apparmor_restrict_unprivileged_userns=0"))
                """
            )
        }
        if case .fails(let why) = namespaces.user {
            if platform.isChroot {
                return (
                    "the kernel makes none in a chroot",
                    "start jobs outside of it, or where / was changed by pivot_root"
                )
            }
            return (
                "cannot be used: \(why)",
                platform.container == nil
                    ? "look for the security module that forbids them in the kernel log"
                    : "start the container with a seccomp profile that allows unshare and mount (docker: --privileged)"
            )
        }
        return nil
    }

    private func sysctl(_ setting: String) -> String {
        let name = setting.prefix { $0 != "=" }
        return
            "set it now and for every boot:\n  echo \(setting) | sudo tee /etc/sysctl.d/50-jobs-\(name).conf && sudo sysctl --system"
    }
}

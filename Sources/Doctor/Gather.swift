// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Linux
import Supervisor

extension Facts {
    /// Looks at this machine; makes and removes some empty cgroups below our own where that is allowed.
    ///
    /// Only for single-threaded programs: it tries namespaces in forked children.
    package static func gather(environment: [String: String]) -> Facts {
        let host = try? CgroupHost.detect()
        var facts = read(
            Roots(environment: environment), user: User(id: geteuid(), name: Account.current.name),
            probes: .run(host), canReadKernelLog: KernelLog() != nil)
        if let host, let own = try? Files.readLink("/proc/self/exe") {
            facts.trial = Trial.run(initPath: InitProgram.path, command: [own, "--version"], host: host)
        }
        return facts
    }

    static func isSystemdRunning(_ root: String = "") -> Bool { Files.exists(root + "/run/systemd/system") }

    /// Reads what is written in files; what has to be tried comes in as `probes`.
    package static func read(_ roots: Roots, user: User, probes: Probes, canReadKernelLog: Bool) -> Facts {
        var facts = Facts()
        let reader = Reader(roots: roots)
        facts.kernelRelease = reader.line("/sys/kernel/osrelease") ?? Host.kernelRelease
        facts.commandLine = (reader.line("/cmdline") ?? "").split(separator: " ").map(String.init)
        facts.user = user
        facts.swaps = reader.swaps
        facts.hasPressure = (try? Files.read(roots.proc + "/pressure/memory")) != nil
        facts.canReadKernelLog = canReadKernelLog
        facts.dmesgRestrict = reader.number("/sys/kernel/dmesg_restrict")
        facts.namespaces = reader.namespaces
        facts.namespaces.user = probes.userNamespace
        facts.platform = reader.platform
        facts.systemd.isRunning = isSystemdRunning(roots.system)
        facts.mayLoadBPF = probes.mayLoadBPF
        facts.systemd.hasLibrary = probes.hasSystemdLibrary
        facts.systemd.userBus = reader.bus(of: user)
        facts.features = probes.calls
        facts.features["time-namespace"] = Presence(facts.namespaces.kinds.contains("time"))
        if Files.exists(roots.proc + "/sys/kernel/seccomp/actions_avail") { facts.features["seccomp"] = .present }
        if let host = try? CgroupHost.detect(procRoot: roots.proc) { facts.add(host, probes: probes) }
        return facts
    }

    private mutating func add(_ host: CgroupHost, probes: Probes) {
        cgroups = host
        place.refusals = probes.refusals
        leftovers = Leftover.find(in: host)
        if let unified = host.unified {
            place.isHierarchyRoot = !Files.exists(unified.own + "/cgroup.type")
            place.isOursAlone = CgroupRoot.isDelegated(host)
            place.isMarked = CgroupHost.isMarkedDelegated(unified.own)
            place.isSystemds = host.isSystemdsTree
            if place.isMarked || systemd.isRunning {
                place.controllers = Self.controllers(unified.own) ?? []
            } else {
                place.divisible = host.divisible ?? unified.own
                place.controllers = host.controllersWithinReach(of: place.divisible)
                place.neighbours =
                    (try? CgroupDirectory(path: place.divisible, version: .v2))?.processes.count { $0 != getpid() } ?? 0
            }
            // The user manager's cgroup; systemd has named it so since there have been user managers.
            systemd.userControllers = Self.controllers(
                "\(unified.mountPoint)/user.slice/user-\(user.id).slice/user@\(user.id).service")
        }
        let samples = CgroupSamples(host, made: probes.made)
        swapAccounting = samples.presence(.memory, "memory.swap.max", v1: "memory.memsw.limit_in_bytes")
        for feature in Feature.all {
            switch feature.source {
            case .call, .v2Call: continue
            case .v2File(let name): features[feature.id] = samples.core(name)
            case .file(let controller, let name, let v1):
                features[feature.id] = samples.presence(controller, name, v1: v1)
            }
        }
    }

    private static func controllers(_ path: String) -> Set<Controller>? {
        (try? Files.read(path + "/cgroup.controllers")).map { CgroupHost.controllers(in: $0) }
    }
}

/// Reads single files below the roots.
private struct Reader {
    let roots: Roots

    func line(_ path: String) -> String? {
        (try? Files.read(roots.proc + path)).map { String($0.split(separator: "\n").first ?? "") }
    }

    func number(_ path: String) -> Int? { line(path).flatMap { Int($0) } }

    /// `Filename Type Size Used Priority`, sizes in KiB.
    var swaps: [Facts.SwapArea] {
        ((try? Files.read(roots.proc + "/swaps")) ?? "").split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split { $0 == " " || $0 == "\t" }
            guard fields.count > 2, let size = Int(fields[2]) else { return nil }
            return Facts.SwapArea(name: String(fields[0]), bytes: size * 1024)
        }
    }

    var namespaces: NamespaceFacts {
        var facts = NamespaceFacts()
        facts.kinds = Set(((try? Files.list(roots.proc + "/self/ns")) ?? []).map(\.name))
        facts.maxUserNamespaces = number("/sys/user/max_user_namespaces")
        facts.unprivilegedUsernsClone = number("/sys/kernel/unprivileged_userns_clone")
        facts.apparmorRestrictsUserns = number("/sys/kernel/apparmor_restrict_unprivileged_userns")
        return facts
    }

    var platform: PlatformFacts {
        var facts = PlatformFacts()
        if let model = try? Files.read(roots.proc + "/device-tree/model") {
            facts.model = String(model.prefix { $0 != "\0" && $0 != "\n" })
        }
        facts.bootFile = ["/boot/firmware/cmdline.txt", "/boot/cmdline.txt"].first { Files.exists(roots.system + $0) }
        if let file = facts.bootFile { facts.bootFileText = (try? Files.read(roots.system + file)) ?? "" }
        facts.isChroot = isChroot
        facts.hasGRUB = Files.exists(roots.system + "/etc/default/grub")
        (facts.manager, facts.container) = CgroupManager.detect(
            root: roots.system, environment: roots.environment,
            initEnvironment: try? Files.read(roots.proc + "/1/environ"))
        let memberships = (try? Files.read(roots.proc + "/self/cgroup")) ?? ""
        if CgroupManager.isInsideJob(memberships: memberships) { facts.manager = .job }
        return facts
    }

    /// Whether this process sees another root than PID 1, in the same mount namespace.
    private var isChroot: Bool {
        func link(_ path: String) -> String? { try? Files.readLink(roots.proc + path) }
        guard let space = link("/1/ns/mnt"), space == link("/self/ns/mnt"),
            let own = try? Files.status(roots.proc + "/self/root/."),
            let first = try? Files.status(roots.proc + "/1/root/.")
        else { return false }
        return (own.st_dev, own.st_ino) != (first.st_dev, first.st_ino)
    }

    /// sd-bus looks at one variable, then at the other.
    func bus(of user: Facts.User) -> SystemdFacts.Bus {
        if roots.environment["DBUS_SESSION_BUS_ADDRESS"] != nil { return .reachable }
        guard let directory = roots.environment["XDG_RUNTIME_DIR"] else {
            return Files.exists("\(roots.system)/run/user/\(user.id)/bus") ? .unnamed : .missing
        }
        return Files.exists(roots.system + directory + "/bus") ? .reachable : .missing
    }
}

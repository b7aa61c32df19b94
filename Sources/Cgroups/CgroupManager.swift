// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// The program that decides which part of the cgroup tree this process gets: it is the one to ask for more.
package enum CgroupManager: Hashable, Sendable {
    case systemd
    case docker, podman, kubernetes, lxc, nspawn
    /// A container of a kind without a remedy of its own.
    case container
    case openRC
    /// This process belongs to a job, whose cgroup is closed to it.
    case job
    /// A plain init, or none that is known.
    case other

    /// An obstacle to limits or isolation.
    package enum Obstacle: Hashable, Sendable {
        /// The cgroup file system is mounted read-only.
        case readOnly
        /// The files of the cgroup belong to another user.
        case denied
        /// The cgroup above hands no controllers down, or too few.
        case missingControllers
        /// Neither CAP_SYS_ADMIN nor user namespaces: no namespace can be made.
        case unprivileged
    }

    /// Which one it is here.
    ///
    /// - Parameters:
    ///   - root: prefix of all paths but those in `/proc`; tests put files there.
    ///   - initEnvironment: of PID 1, where LXC and others name themselves; see
    ///     <https://systemd.io/CONTAINER_INTERFACE>.
    /// - Returns: with the kind of container and the mark that says so, which a systemd inside of one has as well.
    package static func detect(
        root: String = "", environment: [String: String], initEnvironment: String? = nil
    ) -> (manager: CgroupManager, container: String?) {
        let container = container(root, environment, initEnvironment)
        let text = container.map { "\($0.name), by \($0.evidence)" }
        if Files.exists(root + "/run/systemd/system") { return (.systemd, text) }
        if let container { return (container.manager, text) }
        return (Files.exists(root + "/run/openrc") ? .openRC : .other, nil)
    }

    private static func container(
        _ root: String, _ environment: [String: String], _ initEnvironment: String?
    ) -> (manager: CgroupManager, name: String, evidence: String)? {
        if environment["KUBERNETES_SERVICE_HOST"] != nil {
            return (.kubernetes, "Kubernetes", "KUBERNETES_SERVICE_HOST")
        }
        let marks: [(path: String, manager: CgroupManager)] = [
            ("/run/secrets/kubernetes.io", .kubernetes), ("/run/.containerenv", .podman), ("/.dockerenv", .docker),
        ]
        if let mark = marks.first(where: { Files.exists(root + $0.path) }) {
            return (mark.manager, mark.manager.name ?? "", mark.path)
        }
        guard let (name, evidence) = name(root, environment, initEnvironment) else { return nil }
        switch name {
        case "docker": return (.docker, "Docker", evidence)
        case "podman": return (.podman, name, evidence)
        case "systemd-nspawn": return (.nspawn, name, evidence)
        case _ where name.hasPrefix("lxc"): return (.lxc, name, evidence)
        // WSL names itself so, and each of its distributions is like a machine of its own.
        case "wsl": return nil
        default: return (.container, name, evidence)
        }
    }

    /// The name that a container's manager gives itself.
    private static func name(
        _ root: String, _ environment: [String: String], _ initEnvironment: String?
    ) -> (name: String, evidence: String)? {
        if let name = try? Files.read(root + "/run/systemd/container"), !name.isEmpty {
            return (String(name.split(separator: "\n").first ?? ""), "/run/systemd/container")
        }
        if let name = environment["container"], !name.isEmpty { return (name, "the variable container") }
        for word in (initEnvironment ?? "").split(separator: "\0") where word.hasPrefix("container=") {
            return (String(word.dropFirst(10)), "the environment of PID 1")
        }
        return nil
    }

    /// The same for this process. Only root may read the environment of PID 1, and only root needs it.
    package static var current: CgroupManager {
        let environment = ["KUBERNETES_SERVICE_HOST", "container"].reduce(into: [String: String]()) { result, name in
            if let value = getenv(name) { result[name] = String(cString: value) }
        }
        if isInsideJob { return .job }
        return detect(environment: environment, initEnvironment: try? Files.read("/proc/1/environ")).manager
    }

    /// Whether this process belongs to an attempt, by the cgroups that it is in.
    package static var isInsideJob: Bool {
        // In a cgroup namespace of its own a job sees itself at the top; its environment still says what it is.
        getenv("JOBS_ATTEMPT") != nil || isInsideJob(memberships: (try? Files.read("/proc/self/cgroup")) ?? "")
    }

    package static func isInsideJob(memberships: String) -> Bool {
        memberships.split { $0 == "\n" || $0 == "/" }.contains { AttemptName.isAttempt(String($0)) }
    }

    /// The name that people know it by; `nil` for a plain init.
    package var name: String? {
        switch self {
        case .systemd: "systemd"
        case .docker: "Docker"
        case .podman: "podman"
        case .kubernetes: "Kubernetes"
        case .lxc: "LXC"
        case .nspawn: "systemd-nspawn"
        case .container: "container"
        case .openRC: "OpenRC"
        case .job: "job"
        case .other: nil
        }
    }

    package var isContainer: Bool {
        switch self {
        case .docker, .podman, .kubernetes, .lxc, .nspawn, .container: true
        case .systemd, .openRC, .job, .other: false
        }
    }
}

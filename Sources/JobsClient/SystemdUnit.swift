// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobsAPI
import Linux
import SystemPackage

/// The daemon as a service of systemd, where one is installed.
struct SystemdUnit {
    static let name = "jobsd.service"

    let isUsers: Bool
    let environment: [String: String]

    /// The unit that serves these places; none if they were named, because a unit serves only the standard ones.
    static func find(_ locations: Locations, environment: [String: String]) -> SystemdUnit? {
        guard !locations.isExplicit, isBooted else { return nil }
        var environment = environment
        guard geteuid() != 0 else {
            return servesMachine ? SystemdUnit(isUsers: false, environment: environment) : nil
        }
        var folders = ["/etc", "/run", "/usr/local/lib", "/usr/lib"].map { $0 + "/systemd/user/" }
        if let home = environment["XDG_CONFIG_HOME"] ?? environment["HOME"].map({ $0 + "/.config" }) {
            folders.append(home + "/systemd/user/")
        }
        // cron and su leave this out; without a manager of the user's there is nothing to ask.
        let runtime = environment["XDG_RUNTIME_DIR"] ?? "/run/user/\(geteuid())"
        environment["XDG_RUNTIME_DIR"] = runtime
        guard isInstalled(folders), Files.exists(runtime + "/systemd/private") else { return nil }
        return SystemdUnit(isUsers: true, environment: environment)
    }

    /// Whether the machine's daemon is a service.
    static var servesMachine: Bool {
        isBooted
            && isInstalled(["/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"].map { $0 + "/systemd/system/" })
    }

    /// See `sd_booted(3)`.
    private static var isBooted: Bool { Files.exists("/run/systemd/system") }

    private static func isInstalled(_ folders: [String]) -> Bool { folders.contains { Files.exists($0 + name) } }

    /// Returns when the service has said that it is ready (`Type=notify`).
    func start() throws(DaemonStarter.Failure) {
        let arguments = (isUsers ? ["--user"] : []) + ["start", Self.name]
        let command = "systemctl " + arguments.joined(separator: " ")
        do throws(Errno) {
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            defer { posix_spawn_file_actions_destroy(&actions) }
            // What it prints is for people; a submission's standard output is for scripts.
            posix_spawn_file_actions_adddup2(&actions, 2, 1)
            let pid = try spawn(
                "systemctl", arguments, environment.map { "\($0.key)=\($0.value)" }, actions: &actions,
                newSession: false)
            var status: CInt = 0
            try checked { waitpid(pid, &status, 0) }
            if status == 0 { return }
        } catch { throw DaemonStarter.Failure(description: "cannot run `\(command)`: \(error)") }
        throw DaemonStarter.Failure(
            description: "`\(command)` failed; `systemctl \(isUsers ? "--user " : "")status \(Self.name)` says why")
    }
}

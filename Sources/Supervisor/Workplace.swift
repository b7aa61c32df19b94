// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Linux
import Systemd

/// Finds or makes the place in the cgroup tree below which attempts run.
package enum Workplace {
    /// Prepares a root for a foreground run.
    ///
    /// On a unified host somebody must have delegated a cgroup to us. Where systemd runs and has not, we ask it for a
    /// scope, as `systemd-run --scope` does; `jobs` moves into it and systemd removes it when the last process is gone.
    package static func prepare() throws(SupervisorError) -> CgroupRoot {
        do throws(CgroupError) {
            let host = try CgroupHost.detect()
            if host.mode == .unified, Scope.isSystemdRunning, !isMarkedDelegated(host) {
                return try inScope(host)
            }
            do throws(CgroupError) { return try CgroupRoot.prepare(host) } catch {
                guard host.mode == .unified, Scope.isSystemdRunning else { throw error }
                return try inScope(host)
            }
        } catch { throw .cgroup(error) }
    }

    /// Whether ``prepare()`` leaves this process where it is, as it does wherever memory is limited by v1; else what was
    /// started before would be left behind, or in the way.
    package static var isHere: Bool { Files.exists("/sys/fs/cgroup/memory/tasks") }

    /// Prepares the root of a daemon, whose attempts outlive it.
    ///
    /// The base has a name that is this instance's, so that two daemons in one cgroup do not meet. Under systemd a service's
    /// own cgroup is wiped when it restarts, so there the jobs live in a scope of their own, held by a process that sleeps.
    package static func prepareQueue(stateDirectory: String, runtimeDirectory: String) throws(SupervisorError)
        -> CgroupRoot
    {
        let name = "jobsd" + (stateDirectory == "/var/lib/jobs" ? "" : "-" + fingerprint(stateDirectory))
        do throws(CgroupError) {
            let host = try CgroupHost.detect()
            if host.mode == .unified, Scope.isSystemdRunning {
                let base = try QueueScope(name: name, runtimeDirectory: runtimeDirectory, host: host).find()
                return try CgroupRoot.prepareElsewhere(host, base: base)
            }
            return try CgroupRoot.prepare(host, directoryName: name)
        } catch { throw .cgroup(error) }
    }

    /// FNV-1a in eight digits: a name that stays the same for a path, and is short.
    private static func fingerprint(_ text: String) -> String {
        let hash = text.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    private static func inScope(_ host: CgroupHost) throws(CgroupError) -> CgroupRoot {
        do throws(Scope.Failure) {
            try Scope.enter(name: "jobs-run-\(getpid()).scope", description: "jobs run")
        } catch {
            throw CgroupError(
                "get a delegated cgroup below", host.unified?.own ?? "/",
                remedy: "\(error.description); `jobs doctor` tells what is missing")
        }
        return try CgroupRoot.prepare(CgroupHost.detect())
    }

    /// systemd sets an extended attribute on what it delegates; being alone in a cgroup is not enough, since a session's or
    /// a service's cgroup stays systemd's to write.
    private static func isMarkedDelegated(_ host: CgroupHost) -> Bool {
        guard let own = host.unified?.own, CgroupRoot.isDelegated(host) else { return false }
        return ["trusted.delegate", "user.delegate"].contains { Files.attribute($0, of: own)?.hasPrefix("1") == true }
    }
}

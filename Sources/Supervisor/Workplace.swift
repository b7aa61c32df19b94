// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Linux
import Systemd

/// Finds or makes the place in the cgroup tree below which attempts run.
package enum Workplace {
    /// Prepares a root for a foreground run.
    ///
    /// On a unified host where systemd runs, and has not delegated a cgroup to us, we ask it for a scope, as
    /// `systemd-run --scope` does; `jobs` moves into it and systemd removes it when the last process is gone. Without
    /// systemd our own cgroup is divided, and its other processes are moved to a leaf, as ``CgroupRoot/notice`` says.
    package static func prepare() throws(SupervisorError) -> CgroupRoot {
        do throws(CgroupError) {
            let host = try CgroupHost.detect()
            // A job that asks systemd for a scope would leave its own limits.
            guard host.mode == .unified, Scope.isSystemdRunning, !CgroupManager.isInsideJob else {
                return try withoutSystemd(host, "jobs")
            }
            guard isMarkedDelegated(host) else { return try inScope(host) }
            do throws(CgroupError) { return try CgroupRoot.prepareDelegated(host) } catch { return try inScope(host) }
        } catch { throw .cgroup(error) }
    }

    /// Whether ``prepare()`` leaves this process where it is, as it does wherever memory is limited by v1; else what was
    /// started before would be left behind, or in the way.
    package static var isHere: Bool { CgroupHost.hasUsualMemoryHierarchy }

    /// Prepares the root of a daemon, whose attempts outlive it.
    ///
    /// The base has a name that is this instance's, so that two daemons in one cgroup do not meet. Under systemd a service's
    /// own cgroup is wiped when it restarts, so there the jobs live in a scope of their own, held by a process that sleeps.
    package static func prepareQueue(stateDirectory: String, runtimeDirectory: String) throws(SupervisorError)
        -> QueuePlace
    {
        let name = queueName(stateDirectory: stateDirectory)
        do throws(CgroupError) {
            let host = try CgroupHost.detect()
            if host.mode == .unified, Scope.isSystemdRunning, !CgroupManager.isInsideJob {
                var scope = QueueScope(name: name, runtimeDirectory: runtimeDirectory, host: host)
                let base = try scope.find()
                do throws(CgroupError) {
                    return QueuePlace(root: try CgroupRoot.prepareElsewhere(host, base: base), scope: scope)
                } catch {
                    scope.takeBack()
                    throw error
                }
            }
            return QueuePlace(root: try withoutSystemd(host, name))
        } catch { throw .cgroup(error) }
    }

    /// The name of a daemon's base directory, or its scope's up to the keeper's pid.
    package static func queueName(stateDirectory: String) -> String {
        "jobsd" + (stateDirectory == "/var/lib/jobs" ? "" : "-" + fingerprint(stateDirectory))
    }

    private static func withoutSystemd(_ host: CgroupHost, _ directoryName: String) throws(CgroupError) -> CgroupRoot {
        if host.isSystemdsTree, !CgroupManager.current.isContainer, !CgroupManager.isInsideJob {
            // systemd takes the controllers of a unit that it has not delegated away again, at any time and with them the
            // limits of whatever was made below; see <https://systemd.io/CGROUP_DELEGATION>.
            throw CgroupError(
                "get a cgroup from", "systemd",
                remedy: """
                    it manages this machine's cgroups but cannot be reached from here, as in a chroot: bind /run to /run of \
                    this root (mount --rbind /run ROOT/run)
                    """)
        }
        return try CgroupRoot.prepare(host, directoryName: directoryName)
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
        return try CgroupRoot.prepareDelegated(CgroupHost.detect())
    }

    /// systemd sets an extended attribute on what it delegates; being alone in a cgroup is not enough, since a session's or
    /// a service's cgroup stays systemd's to write.
    private static func isMarkedDelegated(_ host: CgroupHost) -> Bool {
        guard let own = host.unified?.own, CgroupRoot.isDelegated(host) else { return false }
        return CgroupHost.isMarkedDelegated(own)
    }
}

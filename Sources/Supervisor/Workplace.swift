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

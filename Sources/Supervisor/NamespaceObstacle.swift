// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Cgroups
import Glibc
import Linux
import SystemPackage

/// Why the kernel refuses the namespaces of a job, as far as its error tells, and what the user can do about it.
package enum NamespaceObstacle: Hashable, Sendable {
    /// Neither CAP_SYS_ADMIN nor user namespaces, or a user namespace whose ids cannot be mapped.
    case unprivileged
    /// `user.max_user_namespaces` and its kin, or 32 levels of them.
    case exhausted
    /// No clone3, or one that a filter hides.
    case noClone3
    /// A security module, or parts of `/proc` that a container hides.
    case mountRefused(String)

    init?(_ error: Errno) {
        switch error {
        case .notPermitted, .permissionDenied: self = .unprivileged
        case .noSpace, .tooManyUsers: self = .exhausted
        case .noFunction: self = .noClone3
        default: return nil
        }
    }

    /// Of a step of jobs-init that failed.
    package init?(_ failure: SetupFailure) {
        let isRefusal = failure.errno == EPERM || failure.errno == EACCES
        let steps = ["mount", "make mounts slaves", "make mounts private"]
        guard isRefusal, !failure.isCommand, steps.contains(failure.step) else { return nil }
        self = .mountRefused(failure.detail)
    }

    /// One line; see ``CgroupManager/remedy(for:path:isRoot:)``.
    package func remedy(
        needsUserNamespace: Bool, manager: CgroupManager = .current, isRoot: Bool = geteuid() == 0
    ) -> String {
        switch self {
        case .unprivileged:
            let reason =
                isRoot && needsUserNamespace
                ? "this root has no CAP_SYS_ADMIN, and no user namespace can stand in for it here: " : ""
            return reason + manager.remedy(for: .unprivileged, path: "", isRoot: isRoot).asSentence
        case .exhausted:
            return """
                raise user.max_user_namespaces (`sysctl -w user.max_user_namespaces=15000`), or start jobs outside of so many \
                nested namespaces
                """
        case .noClone3:
            return manager.isContainer
                ? "let the container's system-call filter allow clone3: `docker run --security-opt seccomp=unconfined …`"
                : "boot a kernel from 5.3 on, or remove the system-call filter around jobs"
        case .mountRefused(let path):
            let isProc = path == "/proc"
            switch manager {
            case .docker:
                return isProc
                    ? "the container hides parts of /proc: `docker run --security-opt systempaths=unconfined …`"
                    : "a security module forbids mounts: `docker run --security-opt apparmor=unconfined …`"
            case .podman:
                return isProc
                    ? "the container hides parts of /proc: `podman run --security-opt unmask=ALL …`"
                    : "a security module forbids mounts: `podman run --security-opt label=disable --cap-add SYS_ADMIN …`"
            default:
                return isProc
                    ? "parts of /proc are hidden here, so that no other one may be mounted; start jobs where all of it is seen"
                    : "a security module forbids mounts here (AppArmor, SELinux): the kernel log names it"
            }
        }
    }
}

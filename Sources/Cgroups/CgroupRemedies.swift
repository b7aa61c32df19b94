// SPDX-License-Identifier: Apache-2.0

extension CgroupManager {
    /// Lines that tell the user the change; one that begins with a space is to be copied.
    ///
    /// - Parameters:
    ///   - path: our own cgroup.
    ///   - isRoot: of advice to become root there is none for root.
    ///   - mountPoint: of the hierarchy.
    package func remedy(
        for obstacle: Obstacle, path: String, isRoot: Bool, mountPoint: String = "/sys/fs/cgroup"
    ) -> String {
        if self == .job { return Self.outside }
        return switch obstacle {
        case .readOnly: writable(mountPoint)
        case .denied: isContainer ? writable(mountPoint) : ownership(path, isRoot)
        case .missingControllers: controllers(path, isRoot)
        case .unprivileged: privileges(isRoot)
        }
    }

    /// A job could lift its own limits otherwise.
    private static var outside: String {
        "this is inside of a job, whose cgroup and namespaces are closed to it: start the other job from outside of it"
    }

    private func writable(_ mountPoint: String) -> String {
        switch self {
        case .docker:
            """
            start the container with a writable cgroup tree of its own:
              docker run --privileged --cgroupns=private …
            or, from Docker 28 on, with no more privileges than it takes:
              docker run --security-opt writable-cgroups=true --cap-add SYS_ADMIN --security-opt apparmor=unconfined …
            """
        case .podman:
            """
            start the container with a writable cgroup tree of its own:
              podman run --cgroupns=private --security-opt unmask=/sys/fs/cgroup --cap-add SYS_ADMIN …
            """
        case .kubernetes:
            """
            in the pod's manifest, under the container that runs jobs:
              securityContext: { privileged: true }
            """
        case .lxc:
            """
            on the host, in the container's configuration (/var/lib/lxc/NAME/config), then restart it:
              lxc.mount.auto = proc:mixed sys:mixed cgroup:rw:force
            with Incus or LXD instead:
              incus config set NAME security.nesting true
            """
        case .nspawn:
            """
            on the host, boot an init in the container, to which systemd-nspawn hands a cgroup:
              systemd-nspawn --boot --directory …
            """
        case .container: "start the container with /sys/fs/cgroup writable, in a cgroup namespace of its own"
        case .systemd, .openRC, .job, .other:
            """
            make the cgroup file system writable:
                mount -o remount,rw \(quoted(mountPoint))
            """
        }
    }

    private func ownership(_ path: String, _ isRoot: Bool) -> String {
        if self == .systemd, !isRoot {
            return """
                log in so that systemd runs for this user, or start jobs in a cgroup that was delegated to them:
                  systemd-run --user --scope -p Delegate=yes …
                """
        }
        if isRoot { return "a sandbox around this shell refuses it: start jobs outside of it" }
        let own = quoted(path + "/NAME")
        return """
            start jobs as root, or let root give this user a cgroup of their own:
              mkdir \(own) && chown -R NAME \(own)
            and move this shell there:
              echo $$ > \(own)/cgroup.procs
            """
    }

    private func controllers(_ path: String, _ isRoot: Bool) -> String {
        let all = "cpuset cpu io memory hugetlb pids"
        return switch self {
        case .systemd where isRoot:
            """
            in the unit that jobs runs in:
              systemctl edit UNIT    # [Service] Delegate=yes
            """
        case .systemd:
            """
            as root, then log in again:
              systemctl edit user@.service    # [Service] Delegate=cpu cpuset io memory pids
            """
        case .docker, .podman:
            """
            the engine was given too few controllers; on its host, for a rootless one:
              systemctl edit user@.service    # [Service] Delegate=cpu cpuset io memory pids
            """
        case .kubernetes: "the kubelet gives its pods the controllers that the node has: enable them on the node"
        case .lxc, .nspawn, .container: "let the host hand \(all) down to the container's cgroup"
        case .openRC:
            """
            in /etc/rc.conf, then `rc-service cgroups restart`:
              rc_cgroup_mode="unified"
              rc_cgroup_controllers="\(all)"
            """
        case .job, .other:
            """
            \(isRoot ? "hand" : "as root, hand") them down in the cgroup above, while no process is in that one:
              for c in \(all); do echo +$c > \(quoted(parentPath(path) + "/cgroup.subtree_control")); done
            """
        }
    }

    private func privileges(_ isRoot: Bool) -> String {
        switch self {
        case .docker:
            """
            start the container with the privilege to make namespaces:
              docker run --cap-add SYS_ADMIN --security-opt apparmor=unconfined …
            """
        case .podman:
            """
            start the container with the privilege to make namespaces:
              podman run --cap-add SYS_ADMIN …
            """
        case .kubernetes, .lxc: writable("")
        case .nspawn:
            """
            on the host:
              systemd-nspawn --capability=CAP_SYS_ADMIN …
            """
        case .container: "start the container with CAP_SYS_ADMIN, or with user namespaces and mounts allowed"
        case .systemd, .openRC, .job, .other:
            isRoot
                ? "start jobs with CAP_SYS_ADMIN, or where user namespaces are allowed (`jobs doctor` tells what forbids them)"
                : "let users make user namespaces (`jobs doctor` tells what forbids them)"
        }
    }
}

/// A word for a shell. The name of a cgroup is its maker's to choose, and a command that root pastes or `--fix` runs must
/// not say more than we do.
package func quoted(_ word: String) -> String {
    let isPlain = word.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
            || "/._-:@,+".utf8.contains(byte)
    }
    if isPlain, !word.isEmpty { return word }
    return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
}

extension String {
    /// A remedy in one line, for an error message: what is to be copied stands in backquotes.
    package var asSentence: String {
        var text = ""
        for line in split(separator: "\n") {
            let isCommand = line.first == " "
            let words = isCommand ? "`\(line.drop { $0 == " " })`" : String(line)
            text += text.isEmpty ? words : (isCommand ? " " : "; ") + words
        }
        return text
    }
}

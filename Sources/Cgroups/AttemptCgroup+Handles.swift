// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import SystemPackage

extension AttemptCgroup {
    /// Descriptors by which a process that knows no file names starts, kills and watches the job.
    package struct Handles {
        /// On v2, the directory that the command starts in (`CLONE_INTO_CGROUP`).
        package var entrance: Descriptor?
        /// `cgroup.kill` of v2 (5.14); without it every process is killed by itself.
        package var kill: Descriptor?
        /// The list of the job's processes, a pid a line.
        package var processes: Descriptor?
        /// Directories on v1, each hierarchy's once.
        package var v1Directories: [Descriptor] = []
        /// `cpu.stat` of v2 or `cpuacct.usage` of v1.
        package var cpuUsage: Descriptor?
    }

    /// Opens the descriptors, while the files are still writable for whoever opens them.
    ///
    /// - Parameter cpuUsage: whether the CPU time is limited.
    package func openHandles(cpuUsage: Bool) throws(Errno) -> Handles {
        var handles = Handles()
        if let entrance {
            handles.entrance = entrance.descriptor
            handles.kill = try? Descriptor.open("cgroup.kill", at: entrance.descriptor, O_WRONLY)
            handles.processes = try Descriptor.open("cgroup.procs", at: entrance.descriptor)
        }
        var entered: Set<String> = []
        for (_, directory) in directories
        where directory.version == .v1 && entered.insert(directory.path).inserted {
            handles.v1Directories.append(directory.descriptor)
            if handles.processes == nil {
                handles.processes = try Descriptor.open("cgroup.procs", at: directory.descriptor)
            }
        }
        guard cpuUsage else { return handles }
        if let unified {
            handles.cpuUsage = try Descriptor.open("cpu.stat", at: unified.descriptor)
        } else if let cpuacct = directories[.cpuacct] {
            handles.cpuUsage = try Descriptor.open("cpuacct.usage", at: cpuacct.descriptor)
        }
        return handles
    }

    /// Lets a user make cgroups below the one that the command starts in, as `cgroups(7)` has it for a delegated one.
    package func give(to uid: uid_t, _ gid: gid_t) {
        guard let entrance else { return }
        for name in ["", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads"] {
            chown(entrance.path + name, uid, gid)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobModel
import Linux

extension CgroupRoot {
    /// Which of the wanted limits this machine cannot enforce; asked before anything is made.
    ///
    /// - Parameter manager: whom the remedies send the user to.
    package func unenforceable(_ limits: Limits, manager: @autoclosure () -> CgroupManager = .current)
        -> [Unenforceable]
    {
        var result: [Unenforceable] = []
        func need(_ controller: Controller, for limit: String, _ wanted: Bool) {
            guard wanted, version(of: controller) == nil else { return }
            result.append(
                Unenforceable(limit: limit, reason: missing(controller), remedy: remedy(controller, manager())))
        }
        need(.memory, for: "memory", limits.memory != nil)
        need(.memory, for: "memory-soft", limits.memorySoft != nil)
        need(.cpu, for: "cpus", limits.cpus != nil)
        need(.cpu, for: "cpu-weight", limits.cpuWeight != nil)
        need(.cpuset, for: "cpuset", limits.cpuset != nil)
        need(.pids, for: "pids", limits.pids != nil)
        need(.io, for: "io", !limits.io.isEmpty)
        need(.hugetlb, for: "hugepages", !limits.hugepages.isEmpty)
        if limits.devices != nil, version(of: .devices) == nil, !Host.mayLoadBPF {
            result.append(
                Unenforceable(
                    limit: "devices", reason: "only root may attach a device program to a cgroup",
                    remedy: "run as root, or leave `devices` out"))
        }
        if limits.memory != nil, limits.swap != .unlimited, version(of: .memory) != nil, hasSwap,
            !hasSwapAccounting
        {
            result.append(
                Unenforceable(
                    limit: "swap", reason: "there is swap, but the kernel does not account it per cgroup",
                    remedy: "boot with swapaccount=1, or turn swap off: swapoff -a"))
        }
        return result
    }

    /// Which of the limits hold in part: limit → what is not held back. They are set all the same, for what they do hold.
    package func partlyEnforced(_ limits: Limits) -> [String: String] {
        let writes = limits.io.contains { $0.writeBytesPerSecond != nil || $0.writeOperationsPerSecond != nil }
        guard writes, version(of: .io) != nil, !ownsWriteBack else { return [:] }
        return [
            "io":
                "for writes through the page cache, which \(writeBackOwner); reads and direct writes are held back"
        ]
    }

    /// Whether pages that a job makes dirty are written in its name, which memory and io do together on v2 only; see "Writeback"
    /// in Documentation/admin-guide/cgroup-v2.rst.
    package var ownsWriteBack: Bool { version(of: .io) == .v2 && version(of: .memory) == .v2 }

    /// For the end of a sentence.
    var writeBackOwner: String {
        version(of: .io) == .v1
            ? "on cgroup v1 the kernel writes in its own name"
            : "without the memory controller on cgroup v2 the kernel writes in its own name"
    }

    private func missing(_ controller: Controller) -> String {
        if host.mode == .unified, host.v2Controllers.contains(controller) {
            return "the \(controller.rawValue) controller is not delegated to \(unifiedBase ?? "our cgroup")"
        }
        return "this kernel offers no \(controller.rawValue) controller"
    }

    private func remedy(_ controller: Controller, _ manager: CgroupManager) -> String {
        if host.mode == .unified, host.v2Controllers.contains(controller) {
            let path = unifiedBase.map(parentPath) ?? ""
            return manager.remedy(for: .missingControllers, path: path, isRoot: geteuid() == 0).asSentence
                + "; `jobs doctor` tells more"
        }
        if manager.isContainer {
            return "\(manager.name ?? "") hides it, or the host lacks it: `jobs doctor` tells more"
        }
        return controller == .memory
            ? "on a Raspberry Pi add cgroup_enable=memory to the one line of /boot/firmware/cmdline.txt and reboot; `jobs doctor` tells more"
            : "`jobs doctor` tells what is missing"
    }

    private var hasSwapAccounting: Bool {
        // Our own cgroup, since the base may not be made yet; on v1 the root has the file too.
        if let memory = host.v1[.memory] { return Files.exists(memory.own + "/memory.memsw.limit_in_bytes") }
        // The file exists in every cgroup but the root; our base is never the root.
        return unifiedBase.map { Files.exists($0 + "/memory.swap.max") } ?? false
    }
}

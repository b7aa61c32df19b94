// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Sandbox
import SystemPackage

/// Ways to reach every process of the job, the surest first.
struct Killer {
    let plan: Plan
    let main: pid_t

    /// As PID 1 of a namespace: everybody of the job becomes a child of ours in the end.
    var seesEverybody: Bool { plan.namespaces.contains(.pid) && plan.initProcess }

    /// A signal for the command's process group, as a terminal or a shell would send it.
    func forward(_ signal: CInt) { kill(-main, signal) }

    /// Asks everybody to end; stopped ones are woken so that they hear it.
    func terminateAll() {
        signalAll(SIGTERM)
        signalAll(SIGCONT)
    }

    /// Ends everybody. `cgroup.kill` (5.14) is fork-proof; `kill(-1)` of a namespace's PID 1 is too, since a fork does not
    /// complete while a signal is pending; the list of a v1 cgroup is neither, so it is read until it stays empty.
    func killAll() {
        if let descriptor = plan.killDescriptor, write(descriptor, "1", 1) == 1 { return }
        signalAll(SIGKILL)
    }

    private func signalAll(_ signal: CInt) {
        if seesEverybody {
            kill(-1, signal)
        } else {
            kill(-main, signal)
            for pid in members() { kill(pid, signal) }
        }
    }

    /// How many are left.
    var count: Int { members().count }

    /// Who is in the job's cgroup now; one of another PID namespace reads as 0 and is not ours to signal.
    private func members() -> [pid_t] {
        guard let descriptor = plan.processesDescriptor else { return [] }
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return [] }
        let text = String(decoding: bytes[0..<count], as: UTF8.self)
        return text.split(separator: "\n").compactMap { pid_t($0) }.filter { $0 > 0 }
    }

    /// Whether the sender of a signal, by its pid here, is proven to be no process of the job.
    func isOutside(_ sender: pid_t) -> Bool {
        if sender == 0 { return true }
        // In a PID namespace of ours all others are the job's; one that its command is the init of does not see us.
        if plan.namespaces.contains(.pid) { return !plan.initProcess }
        // Its cgroup first: that of a process which ends is not its own any more (`proc_cgroup_show`, v1).
        guard let isInside = CgroupMembership.contains(plan.cgroupName, of: sender), ProcessStat.isAlive(sender) else {
            return false
        }
        return !isInside
    }

    /// Whether anyone is left who is not a child of ours.
    ///
    /// The kernel caches a v1 list for a second, so a listed pid counts only if it still exists.
    var hasLivingMembers: Bool {
        !seesEverybody && members().contains { kill($0, 0) == 0 || errno == EPERM }
    }
}

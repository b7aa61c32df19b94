// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import JobModel
import Linux
import Sandbox
import SystemPackage

/// Starts attempts and keeps what they have in common: the cgroup root, the event loop, the compiled filter.
package final class Supervisor {
    package let root: CgroupRoot
    package let loop: EventLoop
    package let host: HostDescription
    let sources: MachineReading.Sources
    private let initPath: String
    private var filter: [UInt8]?
    private var sequence = 0

    /// - Parameter initPath: the jobs-init executable.
    package init(root: CgroupRoot, loop: EventLoop, initPath: String) {
        self.root = root
        self.loop = loop
        self.initPath = initPath
        host = HostDescription(kernel: Host.kernelRelease, cgroupMode: root.host.mode.rawValue, board: Host.board)
        sources = .find()
    }

    /// What an attempt is run with, besides its job.
    package struct Request {
        package var spec: JobSpec
        package var identity: JobIdentity
        package var environment: [String: String]
        package var directory: String
        package var standardIO: [CInt]
        /// The standard descriptors are a terminal that the command may control.
        package var terminal = false
        package var allowUnenforced = false

        package init(
            spec: JobSpec, identity: JobIdentity, environment: [String: String], directory: String, standardIO: [CInt]
        ) {
            self.spec = spec
            self.identity = identity
            self.environment = environment
            self.directory = directory
            self.standardIO = standardIO
        }
    }

    /// Starts an attempt; `onEnd` gets its record once nothing of it is left.
    ///
    /// - Throws: if nothing was started. What goes wrong later is in the record.
    package func start(_ request: Request, onEnd: @escaping (Record) -> Void) throws(SupervisorError) -> Attempt {
        var request = request
        let unenforced = try checkLimits(&request)
        let builder = PlanBuilder(
            spec: request.spec, identity: request.identity, environment: request.environment,
            directory: request.directory,
            seccomp: try seccomp(request.spec.isolation.seccomp), host: root.host)
        var plan = try builder.build()
        plan.terminal = request.terminal
        let cgroup: AttemptCgroup
        do throws(CgroupError) {
            cgroup = try AttemptCgroup(AttemptName.run(sequence: sequence), limits: request.spec.limits, in: root)
        } catch { throw .cgroup(error) }
        sequence += 1
        do throws(SupervisorError) {
            return try Attempt(
                request: request, plan: plan, cgroup: cgroup, unenforced: unenforced, supervisor: self,
                initPath: initPath, onEnd: onEnd)
        } catch {
            cgroup.kill()
            try? cgroup.remove()
            throw error
        }
    }

    /// Removes what supervisors that were killed left behind.
    package func removeStale() -> [CgroupError] { root.removeStale(isAlive: AttemptName.isAlive).errors }

    private func seccomp(_ wanted: Bool) throws(SupervisorError) -> [UInt8] {
        guard wanted else { return [] }
        if let filter { return filter }
        let compiled = try SeccompFilter.compile()
        filter = compiled
        return compiled
    }

    /// Fail closed: a limit that would not limit is an error before anything starts.
    private func checkLimits(_ request: inout Request) throws(SupervisorError) -> [String: String] {
        let problems = root.unenforceable(request.spec.limits)
        guard !problems.isEmpty else { return [:] }
        guard request.allowUnenforced else { throw .unenforceable(problems) }
        for problem in problems {
            switch problem.limit {
            case "memory": request.spec.limits.memory = nil
            case "memory-soft": request.spec.limits.memorySoft = nil
            case "cpus": request.spec.limits.cpus = nil
            case "cpu-weight": request.spec.limits.cpuWeight = nil
            case "cpuset": request.spec.limits.cpuset = nil
            case "pids": request.spec.limits.pids = nil
            case "io": request.spec.limits.io = []
            case "hugepages": request.spec.limits.hugepages = [:]
            case "devices": request.spec.limits.devices = nil
            default: continue
            }
        }
        return Dictionary(problems.map { ($0.limit, $0.reason) }) { first, _ in first }
    }
}

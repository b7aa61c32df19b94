// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
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
    let forkServer: ForkServer
    private var filters: [SeccompFilter.Rules: SeccompFilter.Programs] = [:]
    private var sequence = 0
    /// Our attempts that run; a cgroup may stand on until its record is on disk.
    var live: Set<String> = []

    /// - Parameter initPath: the jobs-init executable.
    package convenience init(root: CgroupRoot, loop: EventLoop, initPath: String) {
        self.init(root: root, loop: loop, forkServer: ForkServer(path: initPath, cgroup: root.initDirectory))
    }

    /// - Parameter forkServer: may have been started before there was a root.
    package init(root: CgroupRoot, loop: EventLoop, forkServer: ForkServer) {
        self.root = root
        self.loop = loop
        self.forkServer = forkServer
        // At once, so that it is ready when the first attempt is; what is wrong with it, that one will tell.
        try? forkServer.start()
        host = HostDescription(kernel: Host.kernelRelease, cgroupMode: root.host.mode.rawValue, board: Host.board)
        sources = .find()
    }

    /// Says that there will be no further attempt for now. Those that run go on.
    package func dismiss() {
        guard let process = forkServer.dismiss() else { return }
        // No zombie beside a job that runs for days.
        try? loop.watch(process.pidfd.rawValue) { [self] in stop() }
    }

    /// The same, and waits until nothing of ours is left but attempts.
    package func stop() {
        guard let process = forkServer.dismiss() else { return }
        loop.forget(process.pidfd.rawValue)
        forkServer.stop()
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
        /// Of a job from the queue: where it keeps what must outlive the daemon. Its output goes there, too.
        package var queued: AttemptDirectory?
        /// Of each kept output stream, in bytes.
        package var outputLimit = 64 * 1024 * 1024
        /// The submitter's, where the job itself says nothing.
        package var umask: UInt32?
        package var resourceLimits: [Plan.ResourceLimitValue] = []
        /// Whether the job file's limits of that kind may be above our own, which root's may.
        package var mayRaiseResourceLimits = true
        /// What the command runs, as it was submitted.
        package var script: KeptScript?
        /// `JOBS_ARRAY_ID` and `JOBS_ARRAY_INDEX`.
        package var array: (id: Int, index: Int)?
        /// What it must not see.
        package var queues = QueueDirectories()
        /// A signal that somebody asked to end it with before we took it over.
        package var cancelledBy: Int?

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
    /// A queued job's command waits for ``Attempt/begin()`` and at its ``Attempt/gate``.
    ///
    /// - Parameter ahead: does not wait for jobs-init to be there: ``Attempt/canBegin()`` will.
    /// - Throws: if nothing was started. What goes wrong later is in the record.
    package func start(
        _ request: Request, ahead: Bool = false, onEnd: @escaping (Record) -> Void
    ) throws(SupervisorError) -> Attempt {
        var request = request
        let unenforced = try checkLimits(&request)
        let builder = PlanBuilder(
            spec: request.spec, identity: request.identity, environment: request.environment,
            directory: request.directory,
            seccomp: try filter(request.spec.isolation), host: root.host, queues: request.queues)
        var plan = try builder.build()
        plan.terminal = request.terminal
        plan.script = request.script.map { Plan.Script(path: $0.path, interpreter: $0.interpreter) }
        complete(&plan, request)
        do throws(SupervisorError) { return try launch(request, plan, unenforced, ahead, onEnd) } catch {
            // A copy that nobody knows waits at a gate which is closed by now. In the foreground there is no gate.
            guard request.queued != nil, case .forkServerDied = error else { throw error }
            return try launch(request, plan, unenforced, ahead, onEnd)
        }
    }

    private func launch(
        _ request: Request, _ plan: Plan, _ unenforced: [String: String], _ ahead: Bool,
        _ onEnd: @escaping (Record) -> Void
    ) throws(SupervisorError) -> Attempt {
        let cgroup: AttemptCgroup
        do throws(CgroupError) {
            cgroup = try makeCgroup(request)
        } catch { throw .cgroup(error) }
        sequence += 1
        if let directory = request.queued {
            do throws(Errno) { try directory.make() } catch {
                throw .system(operation: "make the directory", detail: directory.path, error)
            }
        }
        do throws(SupervisorError) {
            if request.spec.isolation.submit {
                do throws(CgroupError) { try cgroup.allowSubmission() } catch { throw .cgroup(error) }
            }
            return try Attempt(
                request: request, plan: plan, cgroup: cgroup, unenforced: unenforced, ahead: ahead, supervisor: self,
                onEnd: onEnd)
        } catch {
            cgroup.kill()
            try? cgroup.remove()
            throw error
        }
    }

    private func makeCgroup(_ request: Request) throws(CgroupError) -> AttemptCgroup {
        let name = name(of: request)
        func make() throws(CgroupError) -> AttemptCgroup {
            let spec = request.spec
            return try AttemptCgroup(name, limits: spec.limits, hasOwnView: spec.isolation.cgroup, in: root)
        }
        do throws(CgroupError) { return try make() } catch {
            // An earlier daemon may have died between making it and writing down that it did.
            guard request.queued != nil, error.errno == .fileExists else { throw error }
            try root.remove(name)
            return try make()
        }
    }

    /// What became of an attempt that an earlier daemon started.
    package enum Adoption {
        /// It runs, or ended unaccounted; `onEnd` gets its record, at the earliest from ``Attempt/catchUp()``.
        case adopted(Attempt)
        /// Its command was never let start, so it may be started anew.
        case neverStarted
        /// It ran, and what would tell how it ended is gone; why.
        case vanished(String)
    }

    /// Takes over an attempt of this boot whose directory an earlier daemon made.
    ///
    /// The report says who its jobs-init is. Without that first frame its command cannot have started: the gate opens only
    /// after it, and closes when the daemon dies.
    package func adopt(_ request: Request, onEnd: @escaping (Record) -> Void) throws(SupervisorError) -> Adoption {
        guard let directory = request.queued else { return .neverStarted }
        if directory.isUnstarted {
            try remove(name(of: request))
            directory.clearForNextStart()
            return .neverStarted
        }
        let found: Baseline?
        do throws(Unreadable) { found = try Baseline(in: directory) } catch {
            return try adopt(request, unread: error, baseline: nil, onEnd: onEnd)
        }
        guard let baseline = found else {
            // It was there before the books said that the attempt began, and is the only way to know that it did not run.
            try? directory.openControl().write([Control.leave])
            try remove(name(of: request))
            return .vanished("Its files in \(directory.path) are gone.")
        }
        let (reports, problem) = directory.reports()
        guard case .born(let birth)? = reports?.first else {
            if let problem { return try adopt(request, unread: problem, baseline: baseline, onEnd: onEnd) }
            // An empty report and a cgroup in which nothing ever was: only both together say that it has not run.
            let cgroup = try? AttemptCgroup(adopting: baseline.place, in: root)
            let hasRun = reports?.isEmpty != true || cgroup?.isThere != true || cgroup?.hasCountedAnyone != false
            // It may be waiting, for its gate or for us.
            try? directory.openControl().write([Control.leave])
            guard hasRun else {
                try clearForNextStart(baseline, directory)
                return .neverStarted
            }
            try clear(baseline, directory)
            // The note of the place may be what is damaged.
            try remove(name(of: request))
            return .vanished("Its report in \(directory.path) is gone, or not jobs-init's.")
        }
        let process = Process.find(pid: pid_t(birth.pid), at: birth.bootTicks)
        if let process, CgroupMembership.contains(baseline.place.name, of: process.pid) == true {
            // jobs-init never enters the job's cgroup.
            try clear(baseline, directory)
            return .vanished("Its report in \(directory.path) names a process of the job as jobs-init.")
        }
        let cgroup: AttemptCgroup
        do throws(CgroupError) { cgroup = try AttemptCgroup(adopting: baseline.place, in: root) } catch {
            throw .cgroup(error)
        }
        if process == nil, problem == nil, reports?.count == 1, !cgroup.hasCountedAnyone {
            // It saw the gate close. Had it been let through and been killed since, somebody would have been counted.
            try clearForNextStart(baseline, directory)
            return .neverStarted
        }
        let attempt = Attempt(
            request: request, cgroup: cgroup, launch: try Launch(adopting: process, directory: directory),
            baseline: baseline, supervisor: self, onEnd: onEnd)
        try attempt.beginWatching()
        return .adopted(attempt)
    }

    private func adopt(
        _ request: Request, unread problem: Unreadable, baseline: Baseline?, onEnd: @escaping (Record) -> Void
    ) throws(SupervisorError) -> Adoption {
        if let attempt = adoptUnread(request, because: "\(problem)", onEnd: onEnd) { return .adopted(attempt) }
        // Without its jobs-init nothing of it can be left but what escaped the end of that.
        if let baseline, let directory = request.queued { try clear(baseline, directory) }
        try remove(name(of: request))
        return .vanished("How it ended is not known: \(problem).")
    }

    /// Takes over an attempt that runs, and of which something cannot be read. It goes on, in its cgroup, which its name tells,
    /// and ends when its jobs-init does; `onEnd` gets a record that says why nothing is known.
    ///
    /// - Returns: `nil` if its jobs-init is gone.
    package func adoptUnread(
        _ request: Request, because reason: String, onEnd: @escaping (Record) -> Void
    ) -> Attempt? {
        guard let directory = request.queued, let control = directory.openLivingControl(),
            let place = root.place(of: name(of: request)),
            let cgroup = try? AttemptCgroup(adopting: place, in: root),
            let launch = try? Launch(unidentified: control, directory: directory)
        else { return nil }
        let attempt = Attempt(
            request: request, cgroup: cgroup, launch: launch, baseline: nil, supervisor: self, onEnd: onEnd)
        attempt.evidence.unreadable = reason
        guard (try? attempt.beginWatching()) != nil else {
            attempt.stopWatching()
            return nil
        }
        return attempt
    }

    /// Takes away what is left of an attempt whose record is on disk: a daemon died between that and the clearing.
    package func discard(_ directory: AttemptDirectory) throws(SupervisorError) {
        // jobs-init waits for this word; opening the FIFO for both directions never waits.
        try? directory.openControl().write([Control.leave])
        guard let baseline = try? Baseline(in: directory) else { return directory.removeWorkingFiles() }
        try clear(baseline, directory)
    }

    private func remove(_ name: String) throws(SupervisorError) {
        do throws(CgroupError) { try root.remove(name) } catch { throw .cgroup(error) }
    }

    private func clearForNextStart(
        _ baseline: Baseline, _ directory: AttemptDirectory
    ) throws(SupervisorError) {
        directory.clearForNextStart()
        do throws(CgroupError) { try baseline.place.remove() } catch { throw .cgroup(error) }
    }

    private func clear(_ baseline: Baseline, _ directory: AttemptDirectory) throws(SupervisorError) {
        do throws(CgroupError) { try baseline.place.remove() } catch { throw .cgroup(error) }
        directory.removeWorkingFiles()
    }

    /// The attempts that run beside that one; a cgroup whose last process is gone is nobody's company.
    ///
    /// A daemon's place is its own, so it knows them; foreground runs share theirs with others.
    func companions(of name: String, queued: Bool) -> Set<String> {
        (queued ? live : root.attempts()).subtracting([name])
    }

    /// Removes the cgroups of queued jobs' attempts that nobody knows any more.
    package func removeStray(except known: [String]) -> [CgroupError] {
        var errors: [CgroupError] = []
        for name in root.attempts().subtracting(known) where AttemptName.isQueued(name) {
            do throws(CgroupError) { try root.remove(name) } catch { errors.append(error) }
        }
        return errors
    }

    private func name(of request: Request) -> String {
        guard request.queued != nil, let id = request.identity.id else { return AttemptName.run(sequence: sequence) }
        return AttemptName.queued(job: id, attempt: request.identity.attempt)
    }

    private func complete(_ plan: inout Plan, _ request: Request) {
        plan.umask = plan.umask ?? request.umask
        if !request.mayRaiseResourceLimits {
            for index in plan.resourceLimits.indices {
                let number = plan.resourceLimits[index].resource
                let most = request.resourceLimits.first { $0.resource == number }?.hard ?? hardLimit(of: number)
                plan.resourceLimits[index].soft = min(plan.resourceLimits[index].soft, most)
                plan.resourceLimits[index].hard = min(plan.resourceLimits[index].hard, most)
            }
        }
        let own = Set(plan.resourceLimits.map(\.resource))
        plan.resourceLimits += request.resourceLimits.filter { !own.contains($0.resource) }
        if let array = request.array {
            plan.environment += ["JOBS_ARRAY_ID=\(array.id)", "JOBS_ARRAY_INDEX=\(array.index)"]
        }
        guard let directory = request.queued else { return }
        var queued = Plan.Queued()
        queued.outputLimit = request.outputLimit
        queued.outputMilliCPUs = request.spec.limits.cpus?.milli
        queued.outputBytesPerSecond = IOController.writeLimit(request.spec.limits.io, at: directory.path)
        plan.queued = queued
    }

    /// Removes what supervisors that were killed left behind.
    package func removeStale() -> [CgroupError] { root.removeStale().errors }

    private func filter(_ isolation: Isolation) throws(SupervisorError) -> SeccompFilter.Programs? {
        let rules = SeccompFilter.Rules(isolation, root.host.mode)
        guard rules.profile != .off else { return nil }
        if let compiled = filters[rules] { return compiled }
        let compiled = try SeccompFilter.compile(rules)
        filters[rules] = compiled
        return compiled
    }

    /// Fail closed: a limit that would not limit is an error before anything starts.
    private func checkLimits(_ request: inout Request) throws(SupervisorError) -> [String: String] {
        let problems = root.unenforceable(request.spec.limits)
        guard !problems.isEmpty else { return root.partlyEnforced(request.spec.limits) }
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
            .merging(root.partlyEnforced(request.spec.limits)) { first, _ in first }
    }
}

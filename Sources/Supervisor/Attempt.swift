// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Cgroups
import Glibc
import JobModel
import Linux
import Sandbox
import SystemPackage

/// One running attempt: launched, watched, stopped, accounted for, and given a verdict.
package final class Attempt {
    let request: Supervisor.Request
    let cgroup: AttemptCgroup
    var launch: Launch
    let loop: EventLoop
    let supervisor: Supervisor
    let onEnd: (Record) -> Void
    let watch: OOMWatch
    let kernelLog: KernelLog?
    /// `nil` until its turn has come.
    var baseline: Baseline?
    var evidence = Evidence()
    var start: Report.Start?
    var exit: Report.Exit?
    var reader: ReportReader
    /// Its jobs-init has reported its birth.
    var isBorn = false
    /// The vocabulary of its jobs-init (``Control``).
    var vocabulary: Int
    /// Of a queued job, whose report is not out of every process's reach.
    var check: ReportCheck?
    /// While the end may have come and the kernel still shows somebody.
    var confirmation: Linux.Timer?
    var reportWatch: CInt?
    var isFinished = false
    /// Its jobs-init has been sent SIGKILL before its command could start.
    private var isDoomed = false
    lazy var backstop = Backstop(of: self, loop)
    /// Those that SIGKILL has not ended within a moment: the kernel holds them, as for a device or a file server.
    var survivors: [pid_t] = [] {
        didSet { if !survivors.isEmpty { onRemark() } }
    }
    /// Says so for people; `nil` if there are none.
    package var survival: String? {
        guard !survivors.isEmpty else { return nil }
        let names = survivors.prefix(5).map { ProcessStat.description(of: $0) }.joined(separator: ", ")
        return
            "SIGKILL has not ended \(names): the kernel holds it, as for a device or a file server that does not answer"
    }
    /// A sentence for people about an attempt that runs and needs their attention; `nil` for any other.
    package var remark: String? {
        survival ?? evidence.unreadable.map { "it runs on, and how it ends will not be known here: \($0)" }
    }
    /// Called when there is a ``remark``.
    package var onRemark: () -> Void = {}

    /// Of an attempt that was taken over: called instead of the end if jobs-init saw the gate close with the daemon that
    /// held it, so that the command never ran.
    package var onNeverStarted: (() -> Void)?

    private var hasNeverRun: Bool {
        start == nil && exit == nil && evidence.setupFailure == nil && !cgroup.hasCountedAnyone
    }

    /// Called when the command stops or has stopped itself (job control of a terminal).
    package var onStop: () -> Void = {}

    /// Launches `plan` in `cgroup`, whose limits are written here.
    convenience init(
        request: Supervisor.Request, plan: Plan, cgroup: AttemptCgroup, unenforced: [String: String],
        ahead: Bool, supervisor: Supervisor, onEnd: @escaping (Record) -> Void
    ) throws(SupervisorError) {
        do throws(CgroupError) { try cgroup.apply(request.spec.limits, oom: request.spec.oom) } catch {
            throw .cgroup(error)
        }
        if request.spec.isolation.cgroup, let identity = plan.identity { cgroup.give(to: identity.uid, identity.gid) }
        let launch: Launch
        var baseline: Baseline?
        if let directory = request.queued {
            launch = try Launch(
                plan, cgroup: cgroup, server: supervisor.forkServer, directory: directory,
                script: request.script?.text)
        } else {
            // Its command starts as soon as it can.
            baseline = Baseline(of: cgroup, unenforced: unenforced, isQueued: false, supervisor)
            launch = try Launch(
                plan, cgroup: cgroup, server: supervisor.forkServer, standardIO: request.standardIO)
        }
        self.init(
            request: request, cgroup: cgroup, launch: launch, baseline: baseline, supervisor: supervisor, onEnd: onEnd)
        evidence.limits.unenforced = unenforced
        do throws(SupervisorError) {
            try beginWatching()
            // jobs-init may have written its first frame before the watch was there.
            if request.queued != nil { readReport() }
            if !ahead { try meet() }
            // A queued job's turn may still have to come.
            if request.queued == nil { limitWallTime() }
        } catch {
            abandon()
            throw error
        }
    }

    /// Gets to know jobs-init, for which the fork server may have to be waited for. What fails here fails each time.
    func meet() throws(SupervisorError) {
        try launch.meet { process throws(SupervisorError) in try watchInit(process) }
    }

    private func watchInit(_ process: Process) throws(SupervisorError) {
        do throws(Errno) { try loop.watch(process.pidfd.rawValue) { [self] in initEnded() } } catch {
            throw .system(operation: "watch", detail: "jobs-init", error)
        }
    }

    /// An attempt that runs, whoever launched it; see ``beginWatching()``.
    init(
        request: Supervisor.Request, cgroup: AttemptCgroup, launch: Launch, baseline: Baseline?,
        supervisor: Supervisor, onEnd: @escaping (Record) -> Void
    ) {
        self.request = request
        self.cgroup = cgroup
        self.launch = launch
        self.baseline = baseline
        self.supervisor = supervisor
        self.onEnd = onEnd
        loop = supervisor.loop
        evidence.limits = cgroup.effective(request.spec.limits)
        evidence.limits.wallTimeUsec = request.spec.limits.wallTime?.microseconds
        evidence.limits.cpuTimeUsec = request.spec.limits.cpuTime?.microseconds
        evidence.limits.unenforced = baseline?.unenforced ?? [:]
        evidence.policy = request.spec.oom
        evidence.cgroupName = cgroup.name
        if let place = cgroup.memoryPlace { (evidence.memoryPath, evidence.memoryMount) = place }
        evidence.cancelledBy = request.cancelledBy
        evidence.jobReachesInit = !request.spec.isolation.pid && Self.isOwnUsers(request.spec)
        if baseline != nil || !launch.isChild { supervisor.live.insert(cgroup.name) }
        check = request.queued == nil ? nil : ReportCheck(request.spec.limits)
        reader = ReportReader(request.queued?.report ?? "the report of jobs-init")
        // A jobs-init that an earlier daemon started may be of any version.
        vocabulary = launch.isChild ? Control.vocabulary : 1
        kernelLog = KernelLog()
        watch = OOMWatch(cgroup: cgroup, loop: loop, killJob: request.spec.oom == .killJob)
    }

    /// Whether the job runs as our user, to whom its cgroups and its jobs-init belong.
    static func isOwnUsers(_ spec: JobSpec) -> Bool {
        spec.user.flatMap { Account.find($0)?.uid } ?? geteuid() == geteuid()
    }

    func beginWatching() throws(SupervisorError) {
        do throws(Errno) {
            if let directory = request.queued {
                reportWatch = try loop.watchFile(directory.report) { [self] in readReport() }
            } else {
                try loop.watch(launch.report.rawValue) { [self] in readReport() }
            }
            try watch.begin()
        } catch {
            throw .system(operation: "watch", detail: "the attempt", error)
        }
        if let process = launch.process { try watchInit(process) }
        if let control = launch.heardControl {
            do throws(Errno) { try loop.watch(control.rawValue) { [self] in initEnded() } } catch {
                throw .system(operation: "watch", detail: "jobs-init", error)
            }
        }
    }

    /// Takes note of what happened to an adopted attempt while nobody watched; it may be its end.
    package func catchUp() {
        if evidence.unreadable != nil { onRemark() }
        // Anew, since nothing tells for how long it was suspended. jobs-init knows its time.
        limitWallTime(isSuspended: cgroup.isFrozen)
        readReport()
        watch.catchUp()
        if launch.process == nil, launch.heardControl == nil { initEnded() }
    }

    /// The moment the command was executed, `nil` before it.
    package var startedUsec: Int? { start?.realtimeUsec }

    /// What it uses now: memory in bytes, CPU time in µs, tasks.
    package var current: (memoryBytes: Int?, cpuUsageUsec: Int?, pids: Int?) { cgroup.current() }

    // MARK: Orders

    /// A signal for the command's process group.
    package func forward(_ signal: CInt) { tell(UInt8(truncatingIfNeeded: signal)) }

    /// Asks the whole job to end: TERM, and KILL after its grace period. A second call kills at once.
    package func cancel(signal: CInt) {
        if evidence.cancelledBy == nil {
            evidence.cancelledBy = Int(signal)
            watch.sample()
            // Frozen processes hear nothing but KILL.
            try? cgroup.setFrozen(false)
            cancelAgain()
        } else {
            tell(Control.kill)
            backstop.expectKill()
        }
    }

    /// Repeats what an earlier daemon began with ``cancel(signal:)``.
    package func cancelAgain() {
        tell(Control.terminate)
        backstop.expectKill(within: request.spec.limits.grace.microseconds)
    }

    private func limitWallTime(isSuspended: Bool = false) {
        let limits = request.spec.limits
        backstop.limit(
            wallTimeUsec: limits.wallTime?.microseconds, graceUsec: limits.grace.microseconds, isSuspended: isSuspended)
    }

    /// Stops or continues every process of the job, and with them the clock of its wall-time limit.
    package func setSuspended(_ suspended: Bool) throws(CgroupError) {
        if suspended, !Control.isKnown(Control.pause, in: vocabulary) {
            throw CgroupError(
                "suspend", cgroup.name,
                remedy: "its jobs-init is of another version of jobs and would not stop the clock of its time limit")
        }
        try cgroup.setFrozen(suspended)
        tell(suspended ? Control.pause : Control.resume)
        backstop.setSuspended(suspended)
    }

    /// Whether it can begin: somebody may have killed its jobs-init at its gate, or the fork server over it, and we may.
    package func canBegin() -> Bool {
        (try? meet()) != nil && !isDoomed && evidence.unreadable == nil && launch.process?.ends(within: 0) == false
    }

    /// The turn of a queued job has come: notes what its account will be compared with. Its command still waits.
    package func begin() throws(SupervisorError) {
        guard let directory = request.queued else { return }
        let baseline = Baseline(
            of: cgroup, unenforced: evidence.limits.unenforced, isQueued: true, supervisor)
        do throws(Errno) { try baseline.write(to: directory) } catch {
            throw .system(operation: "write", detail: directory.baseline, error)
        }
        // From here on the baseline and the report say how far it came.
        directory.removeUnstartedMark()
        self.baseline = baseline
        supervisor.live.insert(cgroup.name)
        limitWallTime()
    }

    /// Of a queued job that we launched: what keeps its command from starting.
    package var gate: Gate? { launch.gate }

    /// Takes an attempt back whose command has not been let start, so that another of its number may follow at once.
    ///
    /// - Returns: `false` if its jobs-init does not end within a moment, as in a system call that hangs; its end is told
    ///   as any other then.
    package func takeBack() -> Bool {
        isDoomed = true
        killInit()
        guard launch.process?.ends(within: 200) ?? true else { return false }
        if !isFinished {
            settle()
            reap()
        }
        launch.gate?.close()
        try? remains().clearAway()
        return true
    }

    /// Ends it, and nobody hears of that.
    package func abandon() {
        if takeBack() || isFinished { return }
        settle()
        launch.gate?.close()
    }

    func tell(_ order: UInt8) { if Control.isKnown(order, in: vocabulary) { try? launch.control?.write([order]) } }

    // MARK: jobs-init

    /// Whoever dies over it says so to the next one.
    func about(_ body: () -> Void) { CrashNote.about(request.identity.id ?? 0, body) }

    /// Its death takes everybody in its PID namespace along.
    func killInit() {
        try? meet()
        try? launch.process?.signal(SIGKILL)
        // A jobs-init without a known pid cannot be killed, nor waited for: another process may hold its end of the FIFO.
        if launch.heardControl != nil { initEnded() }
    }

    var initPID: [pid_t] { launch.process.map { [$0.pid] } ?? [] }

    /// jobs-init ended first: a failed set-up, or somebody killed it.
    private func initEnded() { about { endWithInit() } }

    private func endWithInit() {
        // What it wrote before it died comes first, and may already be the end.
        readReport()
        if !isFinished {
            cgroup.kill()
            if hasNeverRun, let onNeverStarted {
                settle()
                try? remains().clearForNextStart()
                reap()
                return onNeverStarted()
            }
            finish()
        }
        reap()
    }

    func reap() {
        guard let process = launch.process else { return }
        loop.forget(process.pidfd.rawValue)
        if launch.isChild { _ = try? process.wait() }
    }

    // MARK: The end

    /// What is left of a queued job's attempt. To be cleared away after its record is on disk: whoever dies before that,
    /// the next daemon finds all it needs to make the record again.
    package func remains() -> Remains {
        // Here already, because the thread that clears away may be at a cgroup that will not go.
        if request.queued != nil { tell(Control.leave) }
        launch.control = nil
        return Remains(cgroup: cgroup, directory: request.queued)
    }

    /// It has ended for us, without an account.
    private func settle() {
        isFinished = true
        supervisor.live.remove(cgroup.name)
        stopWatching()
    }

    func stopWatching() {
        loop.forget(launch.report.rawValue)
        if let reportWatch { loop.forgetFile(reportWatch) }
        if let confirmation { loop.forget(confirmation.descriptor.rawValue) }
        if let control = launch.heardControl { loop.forget(control.rawValue) }
        watch.end()
        backstop.end()
    }
}

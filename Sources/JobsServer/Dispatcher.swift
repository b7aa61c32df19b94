// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import JobModel
import JobStore
import JobsAPI
import Linux
import Logging
import Queue
import Scheduler
import Supervisor

/// The queue at work: what was asked for, what runs, and what is on disk about it.
///
/// Everything happens on the event loop's thread. The rule that makes a crash harmless: what a change causes outside (an
/// answer, the command's first instruction, the removal of a cgroup) comes after the change is on disk, never before.
package actor Dispatcher {
    package nonisolated let executor: LoopExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    package let settings: Settings
    let store: JobStore
    let log: Logger
    var supervisor: Supervisor
    var scheduler: Scheduler
    var nextID: Int
    /// The phase of each job; changed by ``apply(_:to:)``.
    var table = JobTable<Attempt>()
    /// Attempts that wait for the numbers of their devices.
    var lookups: [AttemptKey: Lookup] = [:]
    let deviceLookup = DeviceLookup()
    let clearing: AttemptClearing
    var texts = JobTexts()
    /// Submissions with a key that have no answer yet.
    var underWay: [KeyedSubmission.Key: UnderWay] = [:]
    /// The settings of an operator; see ``set(_:)``.
    var queueSettings: QueueSettings
    /// The jobs over which earlier daemons died.
    var crashes: CrashHistory
    let ledger: Ledger
    let preparer: Preparer
    let expiry: Expiry
    var quotaUsage = QuotaUsage()
    let feed = ChangeFeed()
    private var isDispatching = false
    private var isDispatchPosted = false
    /// Set if a service manager wants to know how the queue stands.
    var tellStatus: (@Sendable (String) -> Void)?
    var isStatusDue = false
    /// Set once everything of an earlier daemon has been taken in; before that, what is free is not known.
    var isRecovered = false
    /// Set when the daemon is about to end: what would go on for ever ends.
    var isStopping = false
    /// Set while time alone is going to change what the scheduler decides.
    private var nextDecision: (moment: Int, timer: TimerQueue.ID)?

    /// The arguments of the daemon.
    package struct Settings: Sendable {
        package var locations: Locations
        package var initPath: String
        package var version: String
        /// The amounts that all jobs may have together.
        package var capacity: Resources
        package var retention: RetentionPolicy
        /// Of a job that says nothing itself; `nil` for none.
        package var pids: Int?
        /// The most that a job may keep of each output stream, in bytes.
        package var outputCeiling: Int
        package var quotas: Quotas

        package var stateDirectory: String { locations.state }

        package init(
            locations: Locations, initPath: String, version: String, capacity: Resources,
            retention: RetentionPolicy = RetentionPolicy(), pids: Int? = nil, outputCeiling: Int = .max,
            quotas: Quotas = Quotas()
        ) {
            self.locations = locations
            self.initPath = initPath
            self.version = version
            self.capacity = capacity
            self.retention = retention
            self.pids = pids
            self.outputCeiling = outputCeiling
            self.quotas = quotas
        }
    }

    /// An attempt of this machine.
    typealias QueuedAttempt = LiveAttempt<Attempt>

    /// Before the executor's thread is started.
    package init(
        executor: LoopExecutor, settings: Settings, store: JobStore, root: sending CgroupRoot, log: Logger
    ) throws {
        self.executor = executor
        self.settings = settings
        self.store = store
        self.log = log
        queueSettings = try QueueSettings(settings.stateDirectory)
        crashes = CrashHistory(settings.stateDirectory)
        nextID = try store.nextID()
        scheduler = Scheduler(capacity: settings.capacity, groups: queueSettings.limits)
        scheduler.isDraining = queueSettings.isDraining
        clearing = AttemptClearing(log: log)
        ledger = Ledger(clock: executor.eventLoop)
        preparer = Preparer(clock: executor.eventLoop)
        expiry = Expiry(settings.retention, outputQuota: settings.quotas.output, clock: executor.eventLoop)
        supervisor = Supervisor(root: root, loop: executor.eventLoop, initPath: settings.initPath)
    }

    var clock: any QueueClock { executor.eventLoop }
    var now: Timestamp { Timestamp(microsecondsSinceEpoch: clock.realtime) }

    // MARK: Decisions

    /// Carries out what the scheduler decides now, and wakes up when time alone changes that.
    func dispatch() {
        guard isRecovered, ledger.trouble == nil else { return }
        // An attempt that cannot be launched ends at once, which asks for the next decision: not on top of this one, because a
        // thousand of them would not fit on the stack.
        guard !isDispatching else {
            if !isDispatchPosted {
                isDispatchPosted = true
                executor.post { [self] in
                    assumeIsolated { queue in
                        queue.isDispatchPosted = false
                        queue.dispatch()
                    }
                }
            }
            return
        }
        isDispatching = true
        defer { isDispatching = false }
        for decision in scheduler.decide(now: now.microsecondsSinceEpoch) {
            switch decision {
            case .start(let id): CrashNote.about(id) { start(id) }
            case .skip(let id, let reason): skip(id, reason.description)
            }
        }
        awaitNextDecision()
        prepareSoon()
    }

    private func skip(_ id: Int, _ reason: String) {
        apply(.leave, to: id)
        commit([.changed(job: id, to: .skipped, cause: nil, detail: reason, at: now)]) { [self] error in
            guard let error else { return noteEnd([]) }
            // The job is still pending on the disk, and shall be here; the next decision skips it again.
            if error.isTheDisks, let job = try? store.job(id), !scheduler.contains(id) {
                enqueue(job)
            }
        }
    }

    /// A job has ended without an attempt, or was never stored.
    func leave(_ id: Int) {
        scheduler.ended(id, as: .cancelled)
        apply(.leave, to: id)
    }

    private func awaitNextDecision() {
        let next = scheduler.nextBegin
        guard next != nextDecision?.moment else { return }
        if let timer = nextDecision?.timer { clock.cancel(timer) }
        nextDecision = next.map { moment in
            let timer = clock.at(moment) { [self] in
                nextDecision = nil
                dispatch()
            }
            return (moment, timer)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import JobModel
import JobStore
import JobsAPI
import Linux
import Logging
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
    /// Jobs with an attempt under way: started or found again, and not ended.
    var running: [Int: Running] = [:]
    /// Attempts that ended, until their record is on disk.
    var ending: [AttemptKey: Ended] = [:]
    /// The texts that were read last, and what they say.
    var lastRead: (document: JobDocument, spec: JobSpec, context: SubmissionContext)?
    /// Jobs of which somebody's change is on its way to the disk.
    var changing: Set<Int> = []
    /// Jobs of which something is not on disk yet, so that they start from here: a read may be older than what was
    /// appended last.
    var fresh: [Int: (job: StoredJob, document: JobDocument)] = [:]
    /// What an operator has set; see ``set(_:)``.
    var wishes: QueueSettings
    var expiry = Expiry()
    var watchers: [Int: AsyncStream<StateChange>.Continuation] = [:]
    var nextWatcher = 0
    var outputFollowers: [Int: [AsyncStream<Void>.Continuation]] = [:]
    /// Set while the disk refuses our writes: nothing starts, and ended attempts wait for it.
    var storeTrouble: StoreError?
    private var isDispatching = false
    private var isDispatchPosted = false
    private var commits: [Int: (changes: [Change], then: (StoreError?) -> Void)] = [:]
    private var nextCommit = 0
    private var outbox: [JobStore.Call] = []
    var statusTimer: Linux.Timer?
    var isStatusDue = false
    /// Set when the daemon is about to end: what would go on for ever ends.
    var isStopping = false
    private var alarm: Linux.Timer?
    private var repair: Linux.Timer?

    /// What the daemon was started with.
    package struct Settings: Sendable {
        package var stateDirectory: String
        package var initPath: String
        package var version: String
        /// What all jobs may have together.
        package var capacity: Resources
        package var retention: RetentionPolicy

        package init(
            stateDirectory: String, initPath: String, version: String, capacity: Resources,
            retention: RetentionPolicy = RetentionPolicy()
        ) {
            self.stateDirectory = stateDirectory
            self.initPath = initPath
            self.version = version
            self.capacity = capacity
            self.retention = retention
        }
    }

    /// A job with an attempt under way.
    struct Running {
        var job: StoredJob
        var document: JobDocument
        var spec: JobSpec
        var number: Int
        var attempt: Attempt?
        var key: AttemptKey { AttemptKey(job: job.id, number: number) }
    }

    struct AttemptKey: Hashable {
        var job: Int
        var number: Int
    }

    /// An attempt that ended, and what follows once that is on disk.
    struct Ended {
        var entry: Running
        var changes: [Change]
        var next: Next
        /// A commit of the changes is under way.
        var isWriting = false

        enum Next {
            /// The scheduler has heard of it already.
            case nothing
            case again(StoredJob)
            case hold
        }
    }

    /// Before the executor's thread is started.
    package init(
        executor: LoopExecutor, settings: Settings, store: JobStore, root: sending CgroupRoot, log: Logger
    ) throws {
        self.executor = executor
        self.settings = settings
        self.store = store
        self.log = log
        wishes = QueueSettings(settings.stateDirectory)
        nextID = try store.nextID()
        scheduler = Scheduler(capacity: settings.capacity, groups: wishes.groups)
        scheduler.isDraining = wishes.isDraining
        supervisor = Supervisor(root: root, loop: executor.eventLoop, initPath: settings.initPath)
    }

    var now: Timestamp { Timestamp(microsecondsSinceEpoch: Clock.realtimeMicroseconds) }

    // MARK: The disk

    /// Puts changes on disk and calls `then` when they are there, or when they could not be written.
    ///
    /// At the end of the loop's turn: the end of one job and the start of the next then share a transaction, and what is
    /// read meanwhile does not wait for one.
    func commit(_ changes: [Change], then: @escaping (StoreError?) -> Void) {
        let number = nextCommit
        nextCommit += 1
        commits[number] = (changes, then)
        if outbox.isEmpty { executor.eventLoop.atTurnsEnd { [self] in assumeIsolated { $0.flush() } } }
        outbox.append(
            JobStore.Call(changes: changes) { [self] error in
                executor.post { self.assumeIsolated { $0.committed(number, error) } }
            })
    }

    private func flush() {
        store.append(outbox)
        outbox = []
    }

    /// The same for somebody who waits for it.
    func written(_ changes: [Change]) async -> StoreError? {
        await withCheckedContinuation { continuation in commit(changes) { continuation.resume(returning: $0) } }
    }

    private func committed(_ number: Int, _ error: StoreError?) {
        guard let (changes, then) = commits.removeValue(forKey: number) else { return }
        if let error, error.isTheDisks { troubled(by: error) }
        then(error)
        // Whoever hears of it finds it on disk.
        if error == nil { announce(changes) }
        statusChanged()
    }

    /// The disk is full or broken: nothing more is started, and a timer tries again what could not be recorded.
    func troubled(by error: StoreError) {
        if storeTrouble == nil { log.error("\(error.description)") }
        storeTrouble = error
        statusChanged()
        scheduler.isDraining = true
        guard repair == nil, let timer = try? Linux.Timer() else { return }
        repair = timer
        try? executor.eventLoop.watch(timer.descriptor.rawValue) { [self] in
            timer.acknowledge()
            tryAgain()
        }
        try? timer.arm(microseconds: 5_000_000)
    }

    private func tryAgain() {
        if let timer = repair { executor.eventLoop.forget(timer.descriptor.rawValue) }
        repair = nil
        // An empty transaction of its own tells whether the disk takes writes again.
        store.append([]) { [self] error in
            executor.post {
                self.assumeIsolated { queue in
                    if let error { return queue.troubled(by: error) }
                    queue.log.notice("the disk takes writes again")
                    queue.storeTrouble = nil
                    queue.statusChanged()
                    queue.scheduler.isDraining = queue.wishes.isDraining
                    for key in queue.ending.keys { queue.keep(key) }
                    queue.dispatch()
                }
            }
        }
    }

    /// Set once everything of an earlier daemon has been taken in; before that, what is free is not known.
    var isRecovered = false

    // MARK: Decisions

    /// Carries out what the scheduler decides now, and wakes up when time alone changes that.
    func dispatch() {
        guard isRecovered, storeTrouble == nil else { return }
        // What cannot be launched ends at once, which asks for the next decision: not on top of this one, because a
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
            case .start(let id): start(id)
            case .skip(let id, let reason): skip(id, reason.description)
            }
        }
        armAlarm()
    }

    private func skip(_ id: Int, _ reason: String) {
        commit([.changed(job: id, to: .skipped, cause: nil, detail: reason, at: now)]) { [self] error in
            guard let error else { return noteEnd([]) }
            // It is still pending on the disk, and shall be here; the next decision skips it again.
            if error.isTheDisks, let job = try? store.job(id), !scheduler.contains(id) {
                scheduler.submit(Self.entry(of: job)) { id in outcome(of: id) }
            }
        }
    }

    private func armAlarm() {
        guard let next = scheduler.nextBegin else { return }
        if alarm == nil, let timer = try? Linux.Timer(ofWallClock: true) {
            alarm = timer
            try? executor.eventLoop.watch(timer.descriptor.rawValue) { [self] in
                timer.acknowledge()
                dispatch()
            }
        }
        try? alarm?.arm(at: next)
    }

    // MARK: News

    /// State changes from now on, until the stream is dropped.
    package func changes() -> AsyncStream<StateChange> {
        let id = nextWatcher
        nextWatcher += 1
        let (stream, continuation) = AsyncStream.makeStream(
            of: StateChange.self, bufferingPolicy: .bufferingNewest(4096))
        if isStopping { continuation.finish() }
        watchers[id] = continuation
        continuation.onTermination = { [self] _ in
            executor.post { self.assumeIsolated { _ = $0.watchers.removeValue(forKey: id) } }
        }
        return stream
    }

    private func announce(_ changes: [Change]) {
        guard !watchers.isEmpty else { return }
        for change in changes {
            guard let news = StateChange(change) else { continue }
            for (id, watcher) in watchers {
                // Whoever is that far behind would miss something. An end is what it hears: it comes back and asks anew.
                if case .dropped = watcher.yield(news) {
                    watcher.finish()
                    watchers[id] = nil
                }
            }
        }
    }
}

extension StoreError {
    /// Whether it will be so for every write, whatever it says.
    var isTheDisks: Bool { if case .refused = problem { false } else { true } }
}

extension StateChange {
    init?(_ change: Change) {
        switch change {
        case .submitted(let job, _):
            self.init(
                job: job.id, at: job.submittedAt.description, state: job.state, cause: nil, attempt: nil, detail: nil)
        case .attemptStarted(let job, let number, _, _, let at):
            self.init(job: job, at: at.description, state: .running, cause: nil, attempt: number, detail: nil)
        case .attemptEnded(let job, let number, let verdict, _, _, let at):
            self.init(
                job: job, at: at.description, state: verdict.state, cause: verdict.cause.rawValue, attempt: number,
                detail: verdict.message)
        case .changed(let job, let state, let cause, let detail, let at):
            self.init(
                job: job, at: at.description, state: state, cause: cause?.rawValue, attempt: nil, detail: detail)
        case .attemptPlaced, .updated, .removed: return nil
        }
    }
}

extension Dispatcher {
    /// Takes our empty directories out of the cgroup tree; those with jobs in them stay.
    package func leavePlace() { supervisor.root.removeIfEmpty() }

    /// Ends what would keep connections open for ever. Running attempts run on.
    package func endStreams() {
        isStopping = true
        for watcher in watchers.values { watcher.finish() }
        for id in outputFollowers.keys { finishFollowers(of: id) }
    }
}

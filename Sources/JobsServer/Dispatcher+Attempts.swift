// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
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

/// The start of an attempt.
extension Dispatcher {
    /// Begins the next attempt of a job that the scheduler has picked.
    func start(_ id: Int) {
        // Killed at its gate, or about to be: if it is not gone yet, its end starts the job.
        if table.ahead(id)?.handle?.canBegin() == false { takeBack(id) }
        apply(.start, to: id)
    }

    /// Launches the attempt of a job that was picked and for which nothing was prepared.
    func launch(_ id: Int) {
        do {
            let (attempt, context) = try next(of: id)
            apply(.begin(attempt), to: id)
            launch(attempt, context: context)
        } catch {
            cannotBeRead(id, error)
        }
    }

    /// A job whose texts make no sense fails, and one whose rows are damaged is held; if it is the disk that does not give
    /// them, it waits for that.
    private func cannotBeRead(_ id: Int, _ error: any Error) {
        log.error("\(error)", metadata: ["JOB_ID": "\(id)"])
        guard let job = try? store.job(id), !((error as? StoreError)?.isTheDisks ?? false) else {
            if let error = error as? StoreError { troubled(by: error) }
            return scheduler.requeue(id)
        }
        if let reason = job.damage ?? (error as? StoreError)?.description {
            scheduler.requeue(id)
            return quarantine(job, reason)
        }
        let attempt = QueuedAttempt(unread: job, number: job.attempt + 1)
        apply(.begin(attempt), to: id)
        ended(attempt.key, neverStarted(attempt, "\(error)"), after: [begin(of: attempt, at: now)])
    }

    /// The next attempt of a job that waits, and where it was submitted.
    func next(of id: Int) throws -> (QueuedAttempt, SubmissionContext) {
        let (job, document) = try ledger.submission(of: id) ?? preparer.row(of: id) ?? stored(id)
        if let damage = job.damage { throw QueueError.damaged(job, damage) }
        let (spec, context) = try texts.read(document, of: job)
        return (QueuedAttempt(job: job, document: document, spec: spec, number: job.attempt + 1), context)
    }

    func stored(_ id: Int) throws -> (job: StoredJob, document: JobDocument) {
        guard let job = try store.job(id), let document = try store.document(of: id) else {
            throw QueueError.noSuchJob(id)
        }
        return (job, document)
    }

    /// Launches jobs-init, which waits at its gate until the start is on disk.
    func launch(_ attempt: QueuedAttempt, context: SubmissionContext) {
        guard attempt.spec.limits.devicePaths.isEmpty else { return lookUp(attempt, context: context) }
        begin(attempt) { () throws(SupervisorError) in
            let handle = try self.attempt(of: attempt, context: context)
            table.amend(attempt.key) { $0.handle = handle }
        }
    }

    func attempt(
        of entry: QueuedAttempt, context: SubmissionContext, ahead: Bool = false
    ) throws(SupervisorError) -> Attempt {
        let key = entry.key
        let attempt = try supervisor.start(try request(for: entry, context: context), ahead: ahead) { [self] record in
            ended(key, record)
        }
        logRemarks(of: attempt, key)
        return attempt
    }

    func logRemarks(of attempt: Attempt, _ key: AttemptKey) {
        attempt.onRemark = { [log, unowned attempt] in
            log.warning(
                "\(attempt.remark ?? "")", metadata: ["JOB_ID": "\(key.job)", "JOB_ATTEMPT": "\(key.number)"])
        }
    }

    /// Begins an attempt: what it is compared with at its end, then the start on disk, then the gate.
    ///
    /// - Parameter launch: what there is to do before.
    func begin(_ attempt: QueuedAttempt, after launch: () throws(SupervisorError) -> Void = {}) {
        let (id, number) = (attempt.job.id, attempt.number)
        let isOnDisk = table.isStartWritten(id)
        let changes = isOnDisk ? [] : [begin(of: attempt, at: now)]
        do throws(SupervisorError) {
            try launch()
            try table.underWay(id)?.handle?.begin()
            log.info("started", metadata: ["JOB_ID": "\(id)", "JOB_ATTEMPT": "\(number)"])
        } catch {
            if !isOnDisk, error.isTheDisks {
                apply(.startRefused(number: number), to: id)
                troubled(by: StoreError(.diskFull, "start job \(id)", path: directory(of: attempt.key).path))
                return scheduler.requeue(id)
            }
            table.underWay(id)?.handle?.abandon()
            return ended(attempt.key, neverStarted(attempt, error.description), after: changes)
        }
        let gate = table.underWay(id)?.handle?.gate
        guard !isOnDisk else {
            gate?.noteStart()
            return
        }
        commit(changes, opening: gate) { [self] error in
            guard let error else {
                apply(.startWritten(number: number), to: id)
                return
            }
            // Also if it has ended by now: its command has not run, and on the disk it has not begun.
            guard apply(.startRefused(number: number), to: id) else { return }
            // A job that could not even be stored is nobody's.
            guard error.isTheDisks else { return leave(id) }
            if scheduler.contains(id) {
                scheduler.requeue(id)
            } else {
                enqueue(attempt.job)
            }
        }
    }

    func begin(of entry: QueuedAttempt, at: Timestamp) -> Change {
        .attemptStarted(
            job: entry.job.id, number: entry.number, bootID: Self.bootID,
            place: AttemptName.queued(job: entry.job.id, attempt: entry.number), at: at)
    }

    func directory(of attempt: AttemptKey) -> AttemptDirectory {
        AttemptDirectory("\(settings.stateDirectory)/attempts/\(attempt.job).\(attempt.number)")
    }

    func request(for entry: QueuedAttempt, context: SubmissionContext) throws(SupervisorError) -> Supervisor.Request {
        let job = entry.job
        var spec = entry.spec
        // Asked when it was submitted, and again here: what is on the disk may be from before that was asked.
        if job.owner.uid != 0, geteuid() == 0, let setting = spec.isolation.settingsOfRoot.first {
            throw .refused("only root's jobs may have `\(setting)`", remedy: "leave it out")
        }
        // A fork bomb would leave nobody a pid.
        if supervisor.root.version(of: .pids) != nil { spec.limits.pids = spec.limits.pids ?? settings.pids }
        let account = Account.of(job.owner.uid)
        // The daemon's own user needs no change of user; anybody else's job becomes theirs.
        if job.owner.uid != geteuid(), spec.user == nil {
            spec.user = "\(job.owner.uid)"
            // Nothing but the connection has told the group of somebody whom the user database does not know.
            if account == nil { spec.group = "\(job.owner.gid)" }
        }
        var request = Supervisor.Request(
            spec: spec,
            identity: identity(of: entry),
            environment: context.environment(for: account), directory: context.directory,
            standardIO: [])
        request.queued = directory(of: entry.key)
        request.outputLimit = min(spec.limits.output.bytes, settings.outputCeiling)
        request.umask = context.umask
        request.resourceLimits = context.resourceLimits
        request.mayRaiseResourceLimits = job.owner.uid == 0
        request.queues = queues(of: spec.user.flatMap { Account.find($0) } ?? account, job.owner.uid)
        request.script = texts.script(in: entry.document)
        request.array = job.array.map { ($0.id, $0.index) }
        return request
    }

    private func queues(of account: Account?, _ owner: UInt32) -> QueueDirectories {
        let all = settings.locations.reachable(by: account?.uid ?? owner, home: account?.home)
        return QueueDirectories(state: all.map(\.state), runtime: all.map(\.runtime))
    }

    func neverStarted(_ entry: QueuedAttempt, _ reason: String) -> Record {
        let verdict = Verdict(
            state: .failed, cause: .setup, exit: ExitStatus(), message: "It could not be started: \(reason)")
        return record(of: entry, verdict, without: "the command never started")
    }

    /// The record of an attempt of which there are no figures, and why there are none.
    func record(of entry: QueuedAttempt, _ verdict: Verdict, without reason: String) -> Record {
        var record = Record(
            job: identity(of: entry), verdict: verdict, limits: EffectiveLimits(), usage: Usage(),
            host: supervisor.host)
        record.unavailable = Dictionary(
            Usage.figures.map { ($0.key, reason) }, uniquingKeysWith: { first, _ in first })
        return record
    }

    func identity(of entry: QueuedAttempt) -> JobIdentity {
        JobIdentity(id: entry.job.id, name: entry.job.name, attempt: entry.number, owner: entry.job.owner.name)
    }

    /// Hands a pending or held job to the scheduler.
    func enqueue(_ job: StoredJob) { scheduler.submit(Entry(job)) { endings(in: $0) } }

    /// How jobs ended that are not in the scheduler any more.
    private func endings(in ids: ClosedRange<Int>) -> Endings {
        let unwritten = ledger.ends(in: ids)
        if let (job, state) = unwritten.first(where: { $0.value != .completed }) {
            return Endings(uncompleted: (job, state))
        }
        let written = try? store.endings(in: ids)
        return Endings(isAny: !unwritten.isEmpty || written?.isAny == true, uncompleted: written?.uncompleted)
    }
}

extension LiveAttempt {
    /// Of a job whose texts have not been read, or make no sense.
    init(unread job: StoredJob, number: Int) {
        self.init(
            job: job, document: JobDocument(spec: "", context: ""), spec: JobSpec(name: job.name), number: number)
    }
}

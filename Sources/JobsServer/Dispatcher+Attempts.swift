// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Cgroups
import Glibc
import JobFile
import JobModel
import JobStore
import JobsAPI
import Queue
import Scheduler
import Supervisor

/// The start of an attempt.
extension Dispatcher {
    /// Begins the next attempt of a job that the scheduler has picked.
    func start(_ id: Int) {
        unprepared.remove(id)
        if prepared[id]?.entry.attempt?.canBegin() == false {
            takeBack(id)
            // Killed and not gone yet: its end starts the job.
            if prepared[id] != nil {
                prepared[id]?.isDue = true
                return
            }
        }
        if let entry = prepared.removeValue(forKey: id)?.entry {
            running[id] = entry
            return begin(id, isOnDisk: false) {}
        }
        do {
            let (entry, context) = try next(of: id)
            running[id] = entry
            launch(id, context: context, isOnDisk: false)
        } catch {
            cannotBeRead(id, error)
        }
    }

    /// A job whose texts make no sense fails, and one whose rows are damaged is held; if it is the disk that does not give
    /// them, it waits for that.
    private func cannotBeRead(_ id: Int, _ error: any Error) {
        log.error("\(error)", metadata: ["JOB_ID": "\(id)"])
        running[id] = nil
        guard let job = try? store.job(id), !((error as? StoreError)?.isTheDisks ?? false) else {
            if let error = error as? StoreError { troubled(by: error) }
            return scheduler.requeue(id)
        }
        if let reason = job.damage ?? (error as? StoreError)?.description {
            scheduler.requeue(id)
            return quarantine(job, reason)
        }
        let entry = Running(
            job: job, document: JobDocument(spec: "", context: ""), spec: JobSpec(name: job.name),
            number: job.attempt + 1)
        running[id] = entry
        ended(entry.key, neverStarted(entry, "\(error)"), after: [begin(of: entry, at: now)])
    }

    /// The next attempt of a job that waits, and where it was submitted.
    func next(of id: Int) throws -> (Running, SubmissionContext) {
        let (job, document) = try ledger.submission(of: id) ?? readAhead[id] ?? stored(id)
        if let damage = job.damage { throw QueueError.damaged(job, damage) }
        let (spec, context) = try read(document, of: job)
        return (Running(job: job, document: document, spec: spec, number: job.attempt + 1), context)
    }

    func stored(_ id: Int) throws -> (job: StoredJob, document: JobDocument) {
        guard let job = try store.job(id), let document = try store.document(of: id) else {
            throw QueueError.noSuchJob(id)
        }
        return (job, document)
    }

    /// The job file, with the limits that retries have changed since, and where the job was submitted.
    func read(_ document: JobDocument, of job: StoredJob) throws -> (JobSpec, SubmissionContext) {
        // The jobs of an array share their texts, and to read them is a tenth of a job's cost.
        if lastRead?.document != document {
            guard let source = JobSource(try JSON(parsing: document.spec)) else {
                throw QueueError.unreadableJobFile(job: job.id)
            }
            lastRead = (document, try source.spec(), try SubmissionContext(parsing: document.context), source.script)
        }
        // Set above.
        var (_, spec, context, _) = lastRead!
        if let memory = job.memoryLimitBytes { spec.limits.memory = ByteCount(memory) }
        return (spec, context)
    }

    /// Launches jobs-init, which waits at its gate until the start is on disk.
    func launch(_ id: Int, context: SubmissionContext, isOnDisk: Bool) {
        guard let entry = running[id] else { return }
        guard entry.spec.limits.devicePaths.isEmpty else {
            return lookUp(entry, context: context, isOnDisk: isOnDisk)
        }
        begin(id, isOnDisk: isOnDisk) { () throws(SupervisorError) in
            running[id]?.attempt = try attempt(of: entry, context: context)
        }
    }

    func attempt(
        of entry: Running, context: SubmissionContext, ahead: Bool = false
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
    private func begin(_ id: Int, isOnDisk: Bool, after launch: () throws(SupervisorError) -> Void) {
        guard let entry = running[id] else { return }
        let key = entry.key
        let changes = isOnDisk ? [] : [begin(of: entry, at: now)]
        do throws(SupervisorError) {
            try launch()
            try running[id]?.attempt?.begin()
            log.info("started", metadata: ["JOB_ID": "\(id)", "JOB_ATTEMPT": "\(entry.number)"])
        } catch {
            running[id]?.attempt?.abandon()
            if !isOnDisk, error.isTheDisks {
                running[id] = nil
                troubled(by: StoreError(.diskFull, "start job \(id)", path: directory(of: key).path))
                return scheduler.requeue(id)
            }
            return ended(key, neverStarted(entry, error.description), after: changes)
        }
        let gate = running[id]?.attempt?.gate
        guard !isOnDisk else {
            gate?.noteStart()
            return
        }
        commit(changes, opening: gate) { [self] error in
            guard let error else { return }
            // Whatever has become of it: its command has not run, and on the disk it has not begun.
            let failed =
                running[id]?.key == key ? running.removeValue(forKey: id) : ending.removeValue(forKey: key)?.entry
            failed?.attempt?.abandon()
            // A job that could not even be stored is nobody's.
            guard error.isTheDisks else { return scheduler.ended(id, as: .cancelled) }
            if scheduler.contains(id) {
                scheduler.requeue(id)
            } else if let job = failed?.job {
                enqueue(job)
            }
        }
    }

    func begin(of entry: Running, at: Timestamp) -> Change {
        .attemptStarted(
            job: entry.job.id, number: entry.number, bootID: Self.bootID,
            place: AttemptName.queued(job: entry.job.id, attempt: entry.number), at: at)
    }

    func directory(of attempt: AttemptKey) -> AttemptDirectory {
        AttemptDirectory("\(settings.stateDirectory)/attempts/\(attempt.job).\(attempt.number)")
    }

    func request(for entry: Running, context: SubmissionContext) throws(SupervisorError) -> Supervisor.Request {
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
        request.script =
            lastRead?.document == entry.document ? lastRead?.script : Self.script(in: entry.document)
        request.array = job.array.map { ($0.id, $0.index) }
        return request
    }

    private func queues(of account: Account?, _ owner: UInt32) -> QueueDirectories {
        let all = settings.locations.reachable(by: account?.uid ?? owner, home: account?.home)
        return QueueDirectories(state: all.map(\.state), runtime: all.map(\.runtime))
    }

    private static func script(in document: JobDocument) -> KeptScript? {
        (try? JSON(parsing: document.spec)).flatMap { JobSource($0) }?.script
    }

    func neverStarted(_ entry: Running, _ reason: String) -> Record {
        let verdict = Verdict(
            state: .failed, cause: .setup, exit: ExitStatus(), message: "It could not be started: \(reason)")
        return record(of: entry, verdict, without: "the command never started")
    }

    /// The record of an attempt of which there are no figures, and why there are none.
    func record(of entry: Running, _ verdict: Verdict, without reason: String) -> Record {
        var record = Record(
            job: identity(of: entry), verdict: verdict, limits: EffectiveLimits(), usage: Usage(),
            host: supervisor.host)
        record.unavailable = Dictionary(
            Usage.figures.map { ($0.key, reason) }, uniquingKeysWith: { first, _ in first })
        return record
    }

    func identity(of entry: Running) -> JobIdentity {
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

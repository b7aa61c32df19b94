// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import JobFile
import JobModel
import JobStore
import Linux
import Sandbox
import Scheduler
import Supervisor

/// The life of an attempt: start, end, and being found again.
extension Dispatcher {
    /// Begins the next attempt of a job that the scheduler has picked.
    func start(_ id: Int) {
        do {
            let (job, document) = try fresh[id] ?? stored(id)
            let (spec, context) = try read(document, of: job)
            running[id] = Running(job: job, document: document, spec: spec, number: job.attempt + 1)
            launch(id, context: context, isOnDisk: false)
        } catch {
            cannotBeRead(id, error)
        }
    }

    /// A job whose texts make no sense fails; if it is the disk that does not give them, it waits for that.
    private func cannotBeRead(_ id: Int, _ error: any Error) {
        log.error("\(error)", metadata: ["JOB_ID": "\(id)"])
        running[id] = nil
        guard let job = try? store.job(id), !((error as? StoreError)?.isTheDisks ?? false) else {
            if let error = error as? StoreError { troubled(by: error) }
            return scheduler.requeue(id)
        }
        let entry = Running(
            job: job, document: JobDocument(spec: "", context: ""), spec: JobSpec(name: job.name),
            number: job.attempt + 1)
        running[id] = entry
        let verdict = Verdict(
            state: .failed, cause: .setup, exit: ExitStatus(), message: "It could not be started: \(error)")
        ended(
            entry.key, record(of: entry, verdict, without: "the command never started"),
            after: [begin(of: entry, at: now)])
    }

    func stored(_ id: Int) throws -> (job: StoredJob, document: JobDocument) {
        guard let job = try store.job(id), let document = try store.document(of: id) else {
            throw APIFailure.noSuchJob(id)
        }
        return (job, document)
    }

    /// The job file, with the limits that retries have changed since, and where the job was submitted.
    private func read(_ document: JobDocument, of job: StoredJob) throws -> (JobSpec, SubmissionContext) {
        // The jobs of an array share their texts, and to read them is a tenth of a job's cost.
        if lastRead?.document != document {
            guard let source = JobSource(try JSON(parsing: document.spec)) else {
                throw APIFailure(500, "the job file of job \(job.id) cannot be read back")
            }
            lastRead = (document, try source.spec(), try SubmissionContext(parsing: document.context))
        }
        // Set above.
        var (_, spec, context) = lastRead!
        if let memory = job.memoryLimitBytes { spec.limits.memory = ByteCount(memory) }
        return (spec, context)
    }

    /// Launches jobs-init, which waits at its gate until the start is on disk.
    private func launch(_ id: Int, context: SubmissionContext, isOnDisk: Bool) {
        guard let entry = running[id] else { return }
        let key = entry.key
        let begin = isOnDisk ? [] : [begin(of: entry, at: now)]
        do throws(SupervisorError) {
            let attempt = try supervisor.start(try request(for: entry, context: context)) { [self] record in
                ended(key, record)
            }
            running[id]?.attempt = attempt
            log.info("started", metadata: ["JOB_ID": "\(id)", "JOB_ATTEMPT": "\(entry.number)"])
        } catch {
            if !isOnDisk, error.isTheDisks {
                running[id] = nil
                troubled(by: StoreError(.diskFull, "start job \(id)", path: directory(of: key).path))
                return scheduler.requeue(id)
            }
            let verdict = Verdict(
                state: .failed, cause: .setup, exit: ExitStatus(),
                message: "It could not be started: \(error.description)")
            return ended(key, record(of: entry, verdict, without: "the command never started"), after: begin)
        }
        guard !isOnDisk else { return running[id]?.attempt?.allowStart() ?? () }
        commit(begin) { [self] error in
            guard let error else { return running[id]?.key == key ? running[id]?.attempt?.allowStart() ?? () : () }
            // Whatever has become of it: its command has not run, and on the disk it has not begun.
            let failed =
                running[id]?.key == key ? running.removeValue(forKey: id) : ending.removeValue(forKey: key)?.entry
            failed?.attempt?.abandon()
            // A job that could not even be stored is nobody's.
            guard error.isTheDisks else { return scheduler.ended(id, as: .cancelled) }
            if scheduler.contains(id) {
                scheduler.requeue(id)
            } else if let job = failed?.job {
                scheduler.submit(Self.entry(of: job)) { id in outcome(of: id) }
            }
        }
    }

    private func begin(of entry: Running, at: Timestamp) -> Change {
        .attemptStarted(
            job: entry.job.id, number: entry.number, bootID: Self.bootID,
            place: AttemptName.queued(job: entry.job.id, attempt: entry.number), at: at)
    }

    func directory(of attempt: AttemptKey) -> AttemptDirectory {
        AttemptDirectory("\(settings.stateDirectory)/attempts/\(attempt.job).\(attempt.number)")
    }

    private func request(for entry: Running, context: SubmissionContext) throws(SupervisorError) -> Supervisor.Request {
        let job = entry.job
        var spec = entry.spec
        // Asked when it was submitted, and again here: what is on the disk may be from before that was asked.
        if job.owner.uid != 0, !spec.isolation.capabilities.isEmpty, geteuid() == 0 {
            throw .refused("only root's jobs may have capabilities", remedy: "leave `capabilities` out")
        }
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
        request.outputLimit = spec.limits.output.bytes
        request.umask = context.umask
        request.resourceLimits = context.resourceLimits
        request.mayRaiseResourceLimits = job.owner.uid == 0
        request.array = job.array.map { ($0.id, $0.index) }
        return request
    }

    /// The record of an attempt of which there are no figures, and why there are none.
    private func record(of entry: Running, _ verdict: Verdict, without reason: String) -> Record {
        var record = Record(
            job: identity(of: entry), verdict: verdict, limits: EffectiveLimits(), usage: Usage(),
            host: supervisor.host)
        record.unavailable = Dictionary(
            Usage.figures.map { ($0.key, reason) }, uniquingKeysWith: { first, _ in first })
        return record
    }

    private func identity(of entry: Running) -> JobIdentity {
        JobIdentity(id: entry.job.id, name: entry.job.name, attempt: entry.number, owner: entry.job.owner.name)
    }

    // MARK: The end

    /// - Parameter prefix: what has to be on disk before its end.
    private func ended(_ key: AttemptKey, _ record: Record, after prefix: [Change] = []) {
        let id = key.job
        // Not an earlier attempt's late end.
        guard let entry = running[id], entry.key == key else { return }
        running[id] = nil
        finishFollowers(of: id)
        let at = now
        var changes = prefix
        changes.append(
            .attemptEnded(
                job: id, number: key.number, verdict: record.verdict,
                figures: AttemptFigures(
                    memoryPeakBytes: record.usage.memoryPeakBytes, cpuUsageUsec: record.usage.cpuUsageUsec,
                    wallTimeUsec: record.usage.wallTimeUsec, outputBytes: directory(of: key).outputBytes),
                record: record.json.text(), at: at))
        log.info(
            "\(record.verdict.message)",
            metadata: [
                "JOB_ID": "\(id)", "JOB_ATTEMPT": "\(key.number)", "JOB_STATE": "\(record.verdict.state.rawValue)",
            ])
        let next = RetryRules.next(
            after: record.verdict, attempt: key.number, policy: entry.spec.scheduling.retry,
            memory: entry.spec.limits.memory)
        switch next {
        case .final:
            // At once, because the next job need not wait for the disk: its own start comes after this end there.
            scheduler.ended(id, as: record.verdict.state)
            ending[key] = Ended(entry: entry, changes: changes, next: .nothing)
        case .again(let pause, let memory):
            let job = another(of: entry, after: pause, memory: memory, at: at, &changes)
            ending[key] = Ended(entry: entry, changes: changes, next: .again(job))
        case .hold(let reason):
            changes.append(.changed(job: id, to: .held, cause: nil, detail: reason, at: at))
            ending[key] = Ended(entry: entry, changes: changes, next: .hold)
        }
        keep(key)
        dispatch()
    }

    /// The job as its next attempt has it.
    private func another(
        of entry: Running, after pause: Int, memory: ByteCount?, at: Timestamp, _ changes: inout [Change]
    ) -> StoredJob {
        var job = entry.job
        job.attempt = entry.number
        job.begin = pause > 0 ? Timestamp(microsecondsSinceEpoch: at.microsecondsSinceEpoch + pause) : nil
        if let memory {
            job.memoryLimitBytes = memory.bytes
            job.attemptsMax = max(job.attemptsMax, entry.number + 1)
            var fields: [JobField] = [.memoryLimitBytes(memory.bytes), .attemptsMax(job.attemptsMax)]
            // What was asked for apart from the limit stays.
            if entry.spec.scheduling.memoryRequest == nil {
                job.memoryRequestBytes = memory.bytes
                fields.append(.memoryRequestBytes(memory.bytes))
            }
            changes.append(.updated(job: job.id, fields, detail: "memory raised to \(memory)", at: at))
        }
        changes.append(.updated(job: job.id, [.begin(job.begin)], detail: nil, at: at))
        changes.append(
            .changed(
                job: job.id, to: .pending, cause: nil, detail: "attempt \(entry.number + 1) follows", at: at))
        return job
    }

    /// Puts an ended attempt's record on disk, and only then takes away what could make it again.
    func keep(_ key: AttemptKey) {
        guard let end = ending[key], !end.isWriting else { return }
        ending[key]?.isWriting = true
        commit(end.changes) { [self] error in
            guard ending[key] != nil else { return }
            if error?.isTheDisks == true {
                // It stays here until the disk takes it; nothing starts before.
                ending[key]?.isWriting = false
                return
            }
            ending[key] = nil
            if let error {
                log.error("\(error)", metadata: ["JOB_ID": "\(key.job)"])
                scheduler.ended(key.job, as: .failed)
            } else {
                follow(end)
            }
            do throws(CgroupError) { try end.entry.attempt?.close() } catch {
                log.error("\(error.description)", metadata: ["JOB_ID": "\(key.job)"])
            }
        }
    }

    private func follow(_ end: Ended) {
        let id = end.entry.job.id
        noteEnd(end.changes)
        switch end.next {
        case .nothing: break
        case .again(let job):
            scheduler.requeue(
                id, notBefore: job.begin?.microsecondsSinceEpoch, request: Self.resources(of: job))
            dispatch()
        case .hold:
            scheduler.requeue(id)
            scheduler.hold(id)
            dispatch()
        }
    }

    // MARK: After a restart

    /// Brings the queue of an earlier daemon back: what was pending is queued, what runs is taken over, what is gone is lost.
    package func recover() throws {
        var live: [StoredJob] = []
        try store.live { live.append($0) }
        let states = Dictionary(live.map { ($0.id, $0.state) }) { first, _ in first }
        // Those that wait first: one that ran may turn out to have ended, which they must hear.
        for job in live where !job.state.isLiveAttempt {
            scheduler.submit(Self.entry(of: job)) { id in states[id] ?? self.outcome(of: id) }
        }
        for job in live where job.state.isLiveAttempt { recoverRunning(job) }
        // Before anything starts: a pending job may have a directory of a start that never got on disk.
        discardLeftovers()
        isRecovered = true
        dispatch()
        removeExpired()
    }

    /// What a daemon that died had recorded and not yet cleared away.
    private func discardLeftovers() {
        let folder = settings.stateDirectory + "/attempts"
        // An end that is not on disk yet can be made again only from what is in there.
        let keys = running.values.map(\.key) + ending.keys
        let current = Set(keys.map { "\($0.job).\($0.number)" })
        for (name, _) in (try? Files.list(folder)) ?? [] where !current.contains(name) {
            let directory = AttemptDirectory("\(folder)/\(name)")
            guard directory.isWorking else { continue }
            do throws(SupervisorError) { try supervisor.discard(directory) } catch {
                log.error("\(error.description)", metadata: ["attempt": "\(name)"])
            }
        }
        for error in supervisor.removeStray(except: keys.map { AttemptName.queued(job: $0.job, attempt: $0.number) }) {
            log.error("\(error.description)")
        }
    }

    private func recoverRunning(_ job: StoredJob) {
        let startedAt = job.startedAt ?? now
        scheduler.adopt(Self.entry(of: job), startedAt: startedAt.microsecondsSinceEpoch)
        // Until its texts have been read.
        var entry = Running(
            job: job, document: JobDocument(spec: "", context: ""), spec: JobSpec(name: job.name), number: job.attempt)
        running[job.id] = entry
        let key = entry.key
        do {
            entry.document = try stored(job.id).document
            let context: SubmissionContext
            (entry.spec, context) = try read(entry.document, of: job)
            running[job.id] = entry
            guard try store.attempts(of: job.id).last?.bootID == Self.bootID else {
                return ended(key, lost(entry, "The machine was restarted while it ran."))
            }
            var request = try request(for: entry, context: context)
            let directory = directory(of: key)
            if directory.isCancelled { request.cancelledBy = Int(SIGTERM) }
            let beginAgain = { [self] in
                if directory.isCancelled { return ended(key, cancelledBeforeItBegan(entry)) }
                launch(job.id, context: context, isOnDisk: true)
            }
            switch try supervisor.adopt(request, onEnd: { [self] record in ended(key, record) }) {
            case .neverStarted: beginAgain()
            case .vanished(let reason): ended(key, lost(entry, reason))
            case .adopted(let attempt):
                running[job.id]?.attempt = attempt
                log.notice("found again", metadata: ["JOB_ID": "\(job.id)", "JOB_ATTEMPT": "\(job.attempt)"])
                attempt.onNeverStarted = beginAgain
                if directory.isCancelled { attempt.cancelAgain() }
                attempt.catchUp()
            }
        } catch {
            log.error("\(error)", metadata: ["JOB_ID": "\(job.id)"])
            ended(key, lost(entry, "jobsd was restarted and could not find it again: \(error)"))
        }
    }

    private func cancelledBeforeItBegan(_ entry: Running) -> Record {
        let verdict = Verdict(
            state: .cancelled, cause: .cancelled, exit: ExitStatus(), message: "It was cancelled before it began.")
        return record(of: entry, verdict, without: "the command never started")
    }

    private func lost(_ entry: Running, _ message: String) -> Record {
        let verdict = Verdict(state: .lost, cause: .supervisorLost, exit: ExitStatus(), message: message)
        var record = record(of: entry, verdict, without: "its cgroup is gone")
        record.startedAt = entry.job.startedAt
        return record
    }

    static let bootID =
        (try? Files.read("/proc/sys/kernel/random/boot_id"))?.split(separator: "\n").first.map(String.init) ?? ""

    /// How a job ended that is not in the scheduler any more; `nil` if there never was one.
    func outcome(of id: Int) -> JobState? { (try? store.outcome(of: id)) ?? nil }

    static func resources(of job: StoredJob) -> Resources {
        Resources(memoryBytes: job.memoryRequestBytes ?? 0, milliCPUs: job.cpusRequest?.milli ?? 1000)
    }

    static func entry(of job: StoredJob) -> Entry {
        var entry = Entry(id: job.id)
        entry.priority = job.priority
        entry.request = resources(of: job)
        entry.group = job.group
        entry.begin = job.begin?.microsecondsSinceEpoch
        entry.wallTimeUsec = job.wallTimeLimitUsec
        entry.held = job.state == .held
        entry.array = job.array.flatMap { array in
            array.parallel.map { Entry.ArrayLimit(id: array.id, parallel: $0) }
        }
        entry.dependencies = (job.dependency?.alternatives ?? []).map { terms in
            terms.compactMap { term in
                if case .id(let id) = term.target { Entry.Term(term.condition, id) } else { nil }
            }
        }
        return entry
    }
}

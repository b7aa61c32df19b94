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
            let spec = try Self.spec(of: job, document)
            running[id] = Running(job: job, document: document, spec: spec, number: job.attempt + 1)
            launch(id, context: try SubmissionContext(parsing: document.context), isOnDisk: false)
        } catch {
            log.error("\(error)", metadata: ["JOB_ID": "\(id)"])
            scheduler.ended(id, as: .failed)
        }
    }

    func stored(_ id: Int) throws -> (job: StoredJob, document: JobDocument) {
        guard let job = try store.job(id), let document = try store.document(of: id) else {
            throw APIFailure.noSuchJob(id)
        }
        return (job, document)
    }

    /// The job file, with the limits that retries have changed since.
    static func spec(of job: StoredJob, _ document: JobDocument) throws -> JobSpec {
        guard let source = JobSource(try JSON(parsing: document.spec)) else {
            throw APIFailure(500, "the job file of job \(job.id) cannot be read back")
        }
        var spec = try source.spec()
        if let memory = job.memoryLimitBytes { spec.limits.memory = ByteCount(memory) }
        return spec
    }

    /// Launches jobs-init, which waits at its gate until the start is on disk.
    private func launch(_ id: Int, context: SubmissionContext, isOnDisk: Bool) {
        guard let entry = running[id] else { return }
        let request = request(for: entry, context: context)
        let at = now
        do throws(SupervisorError) {
            let attempt = try supervisor.start(request) { [self] record in ended(id, record) }
            running[id]?.attempt = attempt
            log.info("started", metadata: ["JOB_ID": "\(id)", "JOB_ATTEMPT": "\(entry.number)"])
        } catch {
            let verdict = Verdict(
                state: .failed, cause: .setup, exit: ExitStatus(),
                message: "It could not be started: \(error.description)")
            let record = record(of: entry, verdict, without: "the command never started")
            if isOnDisk { return ended(id, record) }
            commit([begin(of: entry, at: at)]) { _ in }
            return ended(id, record)
        }
        if isOnDisk {
            running[id]?.attempt?.allowStart()
            return
        }
        commit([begin(of: entry, at: at)]) { [self] error in
            guard error == nil else {
                running.removeValue(forKey: id)?.attempt?.abandon()
                scheduler.requeue(id)
                return
            }
            running[id]?.attempt?.allowStart()
        }
    }

    private func begin(of entry: Running, at: Timestamp) -> Change {
        .attemptStarted(
            job: entry.job.id, number: entry.number, bootID: Self.bootID,
            place: AttemptName.queued(job: entry.job.id, attempt: entry.number), at: at)
    }

    func directory(of job: Int, attempt: Int) -> AttemptDirectory {
        AttemptDirectory("\(settings.stateDirectory)/attempts/\(job).\(attempt)")
    }

    private func request(for entry: Running, context: SubmissionContext) -> Supervisor.Request {
        let job = entry.job
        var spec = entry.spec
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
        request.queued = directory(of: job.id, attempt: entry.number)
        request.outputLimit = spec.limits.output.bytes
        request.umask = context.umask
        request.resourceLimits = context.resourceLimits
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

    private func ended(_ id: Int, _ record: Record) {
        guard let entry = running[id] else { return }
        finishFollowers(of: id)
        let at = now
        var changes: [Change] = [
            .attemptEnded(
                job: id, number: entry.number, verdict: record.verdict,
                figures: AttemptFigures(
                    memoryPeakBytes: record.usage.memoryPeakBytes, cpuUsageUsec: record.usage.cpuUsageUsec,
                    wallTimeUsec: record.usage.wallTimeUsec,
                    outputBytes: directory(of: id, attempt: entry.number).outputBytes),
                record: record.json.text(), at: at)
        ]
        log.info(
            "\(record.verdict.message)",
            metadata: [
                "JOB_ID": "\(id)", "JOB_ATTEMPT": "\(entry.number)", "JOB_STATE": "\(record.verdict.state.rawValue)",
            ])
        let next = RetryRules.next(
            after: record.verdict, attempt: entry.number, policy: entry.spec.scheduling.retry,
            memory: entry.spec.limits.memory)
        switch next {
        case .final: scheduler.ended(id, as: record.verdict.state)
        case .again(let pause, let memory):
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
                changes.append(.updated(job: id, fields, detail: "memory raised to \(memory)", at: at))
            }
            changes.append(.updated(job: id, [.begin(job.begin)], detail: nil, at: at))
            changes.append(
                .changed(job: id, to: .pending, cause: nil, detail: "attempt \(entry.number + 1) follows", at: at))
            fresh[id] = (job, entry.document)
            scheduler.requeue(
                id, notBefore: job.begin?.microsecondsSinceEpoch, request: Self.resources(of: job))
        case .hold(let reason):
            changes.append(.changed(job: id, to: .held, cause: nil, detail: reason, at: at))
            scheduler.requeue(id)
            scheduler.hold(id)
        }
        running[id]?.unrecorded = changes
        keep(id)
        dispatch()
    }

    /// Puts an ended attempt's record on disk, and only then takes away what could make it again.
    func keep(_ id: Int) {
        guard let changes = running[id]?.unrecorded else { return }
        // A retry may begin meanwhile and take the job's place among the running ones.
        let entry = running.removeValue(forKey: id)
        commit(changes) { [self] error in
            if error?.isTheDisks == true, let entry {
                // The scheduler has freed its place; nothing starts while the disk is in trouble.
                running[id] = entry
                return
            }
            fresh[id] = nil
            noteEnd(changes)
            if let error { log.error("\(error)", metadata: ["JOB_ID": "\(id)"]) }
            do throws(CgroupError) { try entry?.attempt?.close() } catch {
                log.error("\(error.description)", metadata: ["JOB_ID": "\(id)"])
            }
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
        let current = Set(running.map { "\($0.key).\($0.value.number)" })
        for (name, _) in (try? Files.list(folder)) ?? [] where !current.contains(name) {
            let directory = AttemptDirectory("\(folder)/\(name)")
            guard directory.isWorking else { continue }
            do throws(SupervisorError) { try supervisor.discard(directory) } catch {
                log.error("\(error.description)", metadata: ["attempt": "\(name)"])
            }
        }
    }

    private func recoverRunning(_ job: StoredJob) {
        let startedAt = job.startedAt ?? now
        scheduler.adopt(Self.entry(of: job), startedAt: startedAt.microsecondsSinceEpoch)
        do {
            let document = try stored(job.id).document
            let context = try SubmissionContext(parsing: document.context)
            let entry = Running(
                job: job, document: document, spec: try Self.spec(of: job, document), number: job.attempt)
            running[job.id] = entry
            guard try store.attempts(of: job.id).last?.bootID == Self.bootID else {
                return ended(job.id, lost(entry, "The machine was restarted while it ran."))
            }
            var request = request(for: entry, context: context)
            let directory = directory(of: job.id, attempt: job.attempt)
            if directory.isCancelled { request.cancelledBy = Int(SIGTERM) }
            switch try supervisor.adopt(request, onEnd: { [self] record in ended(job.id, record) }) {
            case .neverStarted: launch(job.id, context: context, isOnDisk: true)
            case .adopted(let attempt):
                running[job.id]?.attempt = attempt
                log.notice("found again", metadata: ["JOB_ID": "\(job.id)", "JOB_ATTEMPT": "\(job.attempt)"])
                attempt.onNeverStarted = { [self] in launch(job.id, context: context, isOnDisk: true) }
                if directory.isCancelled { attempt.cancelAgain() }
                attempt.catchUp()
            }
        } catch {
            log.error("\(error)", metadata: ["JOB_ID": "\(job.id)"])
            if let entry = running[job.id] {
                ended(job.id, lost(entry, "jobsd was restarted and could not find it again: \(error)"))
            }
        }
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

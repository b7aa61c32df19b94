// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobFile
import JobModel
import JobStore
import JobsAPI
import Linux
import Scheduler
import Supervisor

/// A submission that was understood and may be queued.
struct PreparedSubmission: Sendable {
    var spec: JobSpec
    var document: JobDocument
    var owner: StoredJob.Owner
    /// With ids only: the jobs that its words mean now.
    var dependency: Dependency?
    /// Whether a job of its group has not ended.
    var isGroupInUse = false
    /// The key with which the submission may be sent again.
    var key: SubmissionKey?

    /// Reads and checks what somebody sent; on the thread of ``Intake``.
    init(_ json: JSON, key: String? = nil, from peer: Peer) throws {
        try Self.refuseUnknownKeys(json)
        guard let source = json["job"].flatMap({ JobSource($0) }) else {
            throw APIFailure(
                400, "\"job\" must be an object with \"text\" (a job file) and \"path\"; see /v1/openapi.json")
        }
        do { spec = try source.spec() } catch { throw APIFailure(400, "\(error)") }
        if let problem = NameRule.problem(of: spec.name) {
            throw APIFailure(400, "the job's name, here that of its file, \(problem); say another with --name")
        }
        guard spec.command != nil else { throw APIFailure(400, "job '\(spec.name)' has no command") }
        let context = try SubmissionContext(json)
        document = JobDocument(spec: source.json.text(), context: context.text)
        owner = StoredJob.Owner(uid: peer.uid, gid: peer.gid, name: peer.name)
        try Self.checkUser(spec, peer)
        self.key = key.map { SubmissionKey($0, of: peer.uid, body: json) }
    }

    /// Looks up what its words mean now; on a thread of the store's.
    mutating func resolve(in store: JobStore) async throws {
        dependency = try await spec.scheduling.after?.resolved(for: owner.uid, in: store)
        let group = spec.scheduling.group
        if group != Scheduling.defaultGroup {
            isGroupInUse = try await store.offThread { store throws(StoreError) in try store.hasLiveJob(ofGroup: group)
            }
        }
    }

    /// A limit under a key that nobody reads would be none.
    private static func refuseUnknownKeys(_ json: JSON) throws(APIFailure) {
        try refuse(keysOf: json, besides: Submission.keys, in: "a submission")
        try refuse(keysOf: json["job"], besides: JobSource.keys, in: "\"job\"")
        for key in ["rlimits", "hard_rlimits"] {
            try refuse(keysOf: json[key], besides: resourceLimitNumbers.keys.sorted(), in: "\"\(key)\"")
        }
        if let mask = json["umask"], mask != .null, mask.intValue.map({ (0...0o777).contains($0) }) != true {
            throw APIFailure(400, "\"umask\" must be a whole number from 0 to 511, which is octal 777")
        }
    }

    private static func refuse(keysOf json: JSON?, besides known: [String], in place: String) throws(APIFailure) {
        guard let member = json?.objectValue?.first(where: { !known.contains($0.key) }) else { return }
        let isSetting = Settings.setting(flag: member.key) != nil || Settings.all.contains { $0.section == member.key }
        let remedy =
            isSetting
            ? "settings of the job stand in \"job\", in its \"text\" or as \"flags\""
            : nearest(member.key, among: known).map { "did you mean '\($0)'?" }
                ?? "there are \(known.joined(separator: ", "))"
        throw APIFailure(400, "unknown key '\(member.key.prefix(64))' in \(place); \(remedy)")
    }

    /// Root may choose whom a job runs as, others only themselves; so may a job of root's.
    private static func checkUser(_ spec: JobSpec, _ peer: Peer) throws(APIFailure) {
        guard !peer.isRoot else { return }
        if let user = spec.user, Account.find(user)?.uid != peer.uid {
            throw APIFailure(403, "only root may run a job as somebody else (user '\(user)'); leave `user` out")
        }
        if let setting = spec.isolation.settingsOfRoot.first {
            throw APIFailure(403, "only root's jobs may have `\(setting)`; leave it out")
        }
        if spec.group != nil {
            throw APIFailure(403, "only root may choose the Unix group of a queued job; leave `group` out")
        }
    }
}

extension Dispatcher {
    /// Queues a job, or the jobs of an array. Returns once they are on disk; they may have started by then.
    func enter(_ prepared: PreparedSubmission) async throws -> Submitted {
        if let trouble = storeTrouble { throw APIFailure.store(trouble) }
        let spec = prepared.spec
        if spec.limits.output.bytes > settings.outputCeiling {
            throw APIFailure(
                400,
                """
                --output-limit \(spec.limits.output) is more than the \(ByteCount(settings.outputCeiling)) that a job may keep of \
                each stream here, a twentieth of the file system of \(settings.stateDirectory); ask for less, or have the \
                command write a file of its own
                """)
        }
        let notices = try checkGroup(of: spec, isGroupInUse: prepared.isGroupInUse)
        let first = nextID
        var template = job(first, prepared)
        let places: [StoredJob.ArrayPlace?] =
            spec.scheduling.array.map { array in
                array.indices.ids.map { StoredJob.ArrayPlace(id: first, index: $0, parallel: array.parallel) }
            } ?? [nil]
        if let limit = settings.quotas.array, places.count > limit, Quotas.apply(to: prepared.owner.uid) {
            throw APIFailure(429, "this array has \(places.count) jobs, and \(limit) are the most; submit it in parts")
        }
        let texts = prepared.document.bytes
        template.textBytes = (texts + places.count - 1) / places.count
        let share = Ledger.Share(of: template)
        try ledger.admit(share * places.count, of: prepared.owner.uid, settings.quotas)
        nextID += places.count
        let answer = Submitted(id: first, count: places.count, notices: notices + self.notices(about: template))
        var changes: [Change] = []
        changes.reserveCapacity(places.count + 1)
        for (offset, place) in places.enumerated() {
            var job = template
            job.id = first + offset
            job.array = place
            changes.append(.submitted(job, prepared.document))
            fresh[job.id] = (job, prepared.document)
            ledger.enter(job.id, share, of: job.owner.uid)
            enqueue(job)
        }
        if let key = prepared.key {
            changes.append(
                .keyed(
                    KeyedSubmission(
                        key: key.id, fingerprint: key.fingerprint, job: first, answer: answer.json.text(), at: now)))
        }
        let ids = first..<first + places.count
        let error = await withCheckedContinuation { (continuation: CheckedContinuation<StoreError?, Never>) in
            commit(changes) { [self] error in
                for id in ids { fresh[id] = nil }
                if ids.count > 1000 {
                    if fresh.isEmpty { fresh = [:] }
                    // glibc would keep what it took. Once all who hold the changes have let go of them.
                    executor.eventLoop.whenIdle { trimMemory() }
                }
                continuation.resume(returning: error)
            }
            // Before the commit is there: both are on disk by the same one.
            dispatch()
        }
        if let error {
            for id in ids {
                ledger.leave(id)
                takeBack(id)
                scheduler.ended(id, as: .cancelled)
            }
            throw APIFailure.store(error)
        }
        log.info(
            "submitted",
            metadata: ["JOB_ID": "\(first)", "JOB_NAME": "\(spec.name)", "JOB_OWNER": "\(prepared.owner.name)"])
        return answer
    }

    private func job(_ id: Int, _ prepared: PreparedSubmission) -> StoredJob {
        let spec = prepared.spec
        let wanted = spec.scheduling
        // By scalars, because one character may be of any length.
        let command = (spec.command?.arguments ?? []).joined(separator: " ").unicodeScalars.prefix(200)
        var job = StoredJob(
            id: id, name: spec.name, owner: prepared.owner, command: String(command), submittedAt: now,
            state: wanted.held ? .held : .pending)
        job.group = wanted.group
        job.priority = wanted.priority
        job.begin = wanted.begin
        job.dependency = prepared.dependency
        job.memoryRequestBytes = (wanted.memoryRequest ?? spec.limits.memory)?.bytes
        job.cpusRequest = wanted.cpusRequest ?? spec.limits.cpus
        job.memoryLimitBytes = spec.limits.memory?.bytes
        // Then it has ended at the latest, which is what the scheduler wants to know.
        job.wallTimeLimitUsec = spec.limits.wallTime.map { limit in
            let (end, overflow) = limit.microseconds.addingReportingOverflow(spec.limits.grace.microseconds)
            return overflow ? .max : end
        }
        job.attemptsMax = wanted.retry.retries + 1
        return job
    }
}

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

    /// Reads and checks what somebody sent; on any thread.
    init(_ json: JSON, from peer: Peer) throws {
        guard let source = json["job"].flatMap({ JobSource($0) }) else {
            throw APIFailure(
                400, "\"job\" must be an object with \"text\" (a job file) and \"path\"; see /v1/openapi.json")
        }
        do { spec = try source.spec() } catch { throw APIFailure(400, "\(error)") }
        guard spec.command != nil else { throw APIFailure(400, "job '\(spec.name)' has no command") }
        let context = try SubmissionContext(json)
        document = JobDocument(spec: source.json.text(), context: context.text)
        owner = StoredJob.Owner(uid: peer.uid, gid: peer.gid, name: peer.name)
        try Self.checkUser(spec, peer)
    }

    /// Root may choose whom a job runs as, others only themselves.
    private static func checkUser(_ spec: JobSpec, _ peer: Peer) throws(APIFailure) {
        guard peer.uid != 0 else { return }
        if let user = spec.user, Account.find(user)?.uid != peer.uid {
            throw APIFailure(403, "only root may run a job as somebody else (user '\(user)'); leave `user` out")
        }
        if !spec.isolation.capabilities.isEmpty {
            throw APIFailure(403, "only root's jobs may have capabilities; leave `capabilities` out")
        }
        if spec.group != nil {
            throw APIFailure(403, "only root may choose the Unix group of a queued job; leave `group` out")
        }
    }
}

extension Dispatcher {
    /// Queues a job, or the jobs of an array. Returns once they are on disk; they may have started by then.
    func submit(_ prepared: PreparedSubmission) async throws -> Submitted {
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
        let first = nextID
        let template = try job(first, prepared)
        let places: [StoredJob.ArrayPlace?] =
            spec.scheduling.array.map { array in
                array.indices.ids.map { StoredJob.ArrayPlace(id: first, index: $0, parallel: array.parallel) }
            } ?? [nil]
        nextID += places.count
        var changes: [Change] = []
        changes.reserveCapacity(places.count)
        for (offset, place) in places.enumerated() {
            var job = template
            job.id = first + offset
            job.array = place
            changes.append(.submitted(job, prepared.document))
            fresh[job.id] = (job, prepared.document)
            enqueue(job)
        }
        let ids = first..<first + places.count
        let error = await withCheckedContinuation { (continuation: CheckedContinuation<StoreError?, Never>) in
            commit(changes) { [self] error in
                for id in ids { fresh[id] = nil }
                if ids.count > 1000 {
                    // Once for all of them, and glibc would keep what it took.
                    if fresh.isEmpty { fresh = [:] }
                    trimMemory()
                }
                continuation.resume(returning: error)
            }
            // Before the commit is there: both are on disk by the same one.
            dispatch()
        }
        if let error {
            for id in ids {
                takeBack(id)
                scheduler.ended(id, as: .cancelled)
            }
            throw APIFailure.store(error)
        }
        log.info(
            "submitted",
            metadata: ["JOB_ID": "\(first)", "JOB_NAME": "\(spec.name)", "JOB_OWNER": "\(prepared.owner.name)"])
        return Submitted(id: first, count: places.count)
    }

    private func job(_ id: Int, _ prepared: PreparedSubmission) throws -> StoredJob {
        let spec = prepared.spec
        let wanted = spec.scheduling
        let command = (spec.command?.arguments ?? []).joined(separator: " ")
        var job = StoredJob(
            id: id, name: spec.name, owner: prepared.owner, command: String(command.prefix(200)), submittedAt: now,
            state: wanted.held ? .held : .pending)
        job.group = wanted.group
        job.priority = wanted.priority
        job.begin = wanted.begin
        job.dependency = try wanted.after.map { try resolve($0, owner: prepared.owner.uid) }
        job.memoryRequestBytes = (wanted.memoryRequest ?? spec.limits.memory)?.bytes
        job.cpusRequest = wanted.cpusRequest ?? spec.limits.cpus
        job.memoryLimitBytes = spec.limits.memory?.bytes
        // Then it has ended at the latest, which is what the scheduler wants to know.
        job.wallTimeLimitUsec = spec.limits.wallTime.map { limit in
            let (end, overflow) = limit.microseconds.addingReportingOverflow(spec.limits.grace.microseconds)
            return overflow ? .max : end
        }
        job.attemptsMax = wanted.retry.retries + 1
        let request = Self.resources(of: job)
        let capacity = scheduler.capacity
        if request.memoryBytes > capacity.memoryBytes || request.milliCPUs > capacity.milliCPUs {
            log.notice("too large for this machine", metadata: ["JOB_ID": "\(id)"])
        }
        return job
    }

    /// Names become the ids that they mean now; later jobs of the same name do not change that.
    ///
    /// The name of an array means all of its jobs: `ok` and `any` wait for every one, `failed` for the first that fails.
    private func resolve(_ dependency: Dependency, owner: UInt32) throws -> Dependency {
        var alternatives: [[Dependency.Term]] = []
        for terms in dependency.alternatives {
            var resolved: [[Dependency.Term]] = [[]]
            for term in terms {
                let meant = try targets(of: term, owner: owner).map { Dependency.Term(term.condition, .id($0)) }
                let size = resolved.reduce(0) { $0 + $1.count + (term.condition == .failed ? 1 : meant.count) }
                let (total, overflows) = size.multipliedReportingOverflow(
                    by: term.condition == .failed ? max(1, meant.count) : 1)
                guard !overflows, total <= Self.mostTerms else { throw Self.tooManyTerms }
                if term.condition == .failed {
                    resolved = resolved.flatMap { terms in meant.map { terms + [$0] } }
                } else {
                    resolved = resolved.map { $0 + meant }
                }
            }
            alternatives += resolved
        }
        guard alternatives.reduce(0, { $0 + $1.count }) <= Self.mostTerms else { throw Self.tooManyTerms }
        return Dependency(alternatives)
    }

    private static let mostTerms = 20_000
    private static let tooManyTerms = APIFailure(
        400, "--after means more than \(mostTerms) jobs; name fewer, or a job that waits for them")

    private func targets(of term: Dependency.Term, owner: UInt32) throws -> [Int] {
        switch term.target {
        case .id(let id): return [id]
        case .name(let name):
            guard let newest = try store.newest(named: name, owner: owner).flatMap({ try store.job($0) }) else {
                throw APIFailure(400, "--after names the job '\(name)', and you have none of that name")
            }
            guard let array = newest.array?.id else { return [newest.id] }
            var query = JobQuery(limit: Self.mostTerms + 1)
            query.arrayID = array
            query.order = .oldestFirst
            return try store.jobs(matching: query).map(\.id)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobModel
import JobStore
import JobsAPI
import Queue
import Scheduler
import Supervisor

/// The queue as clients see it.
extension Dispatcher {
    func view(_ job: StoredJob, for requester: Requester) -> JobView {
        var view = JobView(
            id: job.id, name: job.name, owner: job.owner.name, state: job.state, group: job.group,
            priority: job.priority, attempt: job.attempt, attemptsMax: job.attemptsMax,
            submittedAt: job.submittedAt.description)
        view.after = job.dependency?.description
        view.arrayID = job.array?.id
        view.arrayIndex = job.array?.index
        view.command = requester.mayTouch(job) ? job.command : nil
        view.begin = job.begin?.description
        view.startedAt = job.startedAt?.description
        view.endedAt = job.endedAt?.description
        view.memoryLimitBytes = job.memoryLimitBytes
        view.memoryRequestBytes = job.memoryRequestBytes
        view.cpus = job.cpusRequest?.value
        view.cause = job.cause
        view.message = job.message
        view.memoryPeakBytes = job.figures.memoryPeakBytes
        view.cpuUsageUsec = job.figures.cpuUsageUsec
        view.wallTimeUsec = job.figures.wallTimeUsec
        view.exitCode = job.exit.code
        view.exitSignal = job.exit.signal
        view.memoryCurrentBytes = table.underWay(job.id)?.handle?.current.memoryBytes
        switch job.state {
        case .pending:
            view.reason =
                ledger.trouble?.description
                ?? scheduler.reason(for: job.id, now: now.microsecondsSinceEpoch)?.description
        case .held: view.reason = job.reason ?? "held"
        case .running, .suspended: view.reason = table.underWay(job.id)?.handle?.remark
        case .skipped: view.message = job.message ?? job.reason
        default: break
        }
        if job.state != .held, let damage = job.damage { view.message = damage }
        if job.endedAt != nil {
            let verdict = Verdict(
                state: job.state, cause: job.cause ?? .cancelled, exit: job.exit, message: job.message ?? "")
            view.processExitCode = Int(verdict.processExitCode)
        }
        return view
    }

    /// Read on a thread that may wait, and in pieces here, so that the queue goes on in between.
    func views(_ query: JobQuery, for requester: Requester) async throws -> [JobView] {
        let jobs = try await store.offThread { store throws(StoreError) in try store.jobs(matching: query) }
        var views: [JobView] = []
        views.reserveCapacity(jobs.count)
        for (index, job) in jobs.enumerated() {
            if index % 500 == 499 { await Task.yield() }
            views.append(view(job, for: requester))
        }
        return views
    }

    /// How many attempts an account has at most: a job may have been retried a thousand times.
    private static let mostAttempts = 100

    /// One job with everything that is known about it.
    func account(of id: Int, for requester: Requester) throws -> JSON {
        guard let job = try store.job(id) else { throw QueueError.noSuchJob(id) }
        guard requester.mayTouch(job) else {
            return .object([
                "job": view(job, for: requester).json, "spec": .null, "live": live(id), "attempts": .array([]),
            ])
        }
        var damage = job.damage.map { [$0] } ?? []
        /// A part that can be read is shown, and the others are named.
        func readable<Value>(_ what: String, _ read: () throws -> Value?) throws -> Value? {
            do { return try read() } catch {
                let store = error as? StoreError
                guard store?.problem == .damagedRow || error is JSONError else { throw error }
                damage.append("\(what) cannot be read: \(store?.detail ?? "\(error)")")
                return nil
            }
        }
        let spec = try readable("its job file") { try store.document(of: id).map { try JSON(parsing: $0.spec) } }
        let attempts = try readable("the list of its attempts") {
            try store.attempts(of: id, newest: Self.mostAttempts)
        }
        let records = try (attempts ?? []).compactMap { attempt in
            try readable("the record of attempt \(attempt.number)") {
                try attempt.record.map { try JSON(parsing: $0) }
            }
        }
        return .object([
            "job": view(job, for: requester).json, "spec": spec ?? .null, "live": live(id),
            "attempts": .array(records), "damage": .array(damage.map { .string($0) }),
        ])
    }

    /// The jobs that run now, in the order of their ids; of all jobs if `ids` is `nil`.
    func runningIDs(among ids: Set<Int>?) -> [Int] {
        table.allUnderWay.filter { ids?.contains($0) ?? true }
    }

    /// The usage of a running job, now.
    func live(_ id: Int) -> JSON {
        guard let current = table.underWay(id)?.handle?.current else { return .null }
        return .object([
            "job": .int(id), "memory_current_bytes": .int(current.memoryBytes),
            "cpu_usage_usec": .int(current.cpuUsageUsec), "pids_current": .int(current.pids),
        ])
    }

    /// - Parameter after: where the page before ended.
    func history(of id: Int, after: Int, limit: Int) throws -> JSON {
        guard try store.job(id) != nil else { throw QueueError.noSuchJob(id) }
        let entries: [HistoryEntry]
        do throws(StoreError) { entries = try store.history(of: id, after: after, limit: limit + 1) } catch {
            guard error.problem == .damagedRow else { throw error }
            return .object(["changes": .array([]), "next": .null, "damage": .array([.string(error.detail)])])
        }
        let changes = entries.prefix(limit).map { entry in
            StateChange(
                job: id, at: entry.at.description, state: entry.state, cause: entry.cause?.rawValue,
                attempt: entry.attempt, detail: entry.detail
            ).json
        }
        let next = entries.count > limit ? entries[limit - 1].sequence : nil
        return .object(["changes": .array(changes), "next": .int(next)])
    }

    /// Counted on a thread that may wait for it: among a hundred thousand jobs that takes a while.
    func counts(since: Timestamp?, arrays: [Int]) async throws -> CountsView {
        let isDraining = queueSettings.isDraining
        return try await store.offThread { store throws(StoreError) in
            var counts = CountsView()
            counts.draining = isDraining
            counts.live = try store.liveCounts()
            if let since { counts.ended = try store.ended(since: since) }
            var totals: [Int: ArrayTotals] = [:]
            for entry in try store.arrayTotals(arrays) {
                var total =
                    totals[entry.array]
                    ?? ArrayTotals(
                        id: entry.array, lastID: entry.lastID, firstIndex: entry.firstIndex, lastIndex: entry.lastIndex)
                total.states[entry.state] = entry.count
                total.lastID = max(total.lastID, entry.lastID)
                total.firstIndex = min(total.firstIndex, entry.firstIndex)
                total.lastIndex = max(total.lastIndex, entry.lastIndex)
                totals[entry.array] = total
            }
            counts.arrays = totals.values.sorted { $0.id < $1.id }
            return counts
        }
    }

    func daemon() async throws -> DaemonView {
        var byGroup: [String: (running: Int, pending: Int)] = [:]
        for group in queueSettings.groups.keys { byGroup[group] = (0, 0) }
        var (runs, waits) = (0, 0)
        for (group, states) in try await store.offThread({ store throws(StoreError) in try store.counts() }) {
            let running = (states[.running] ?? 0) + (states[.suspended] ?? 0)
            let pending = (states[.pending] ?? 0) + (states[.held] ?? 0)
            byGroup[group] = (running, pending)
            runs += running
            waits += pending
        }
        return DaemonView(
            version: settings.version, pid: Int(getpid()), stateDirectory: settings.stateDirectory,
            draining: queueSettings.isDraining, strictGroups: queueSettings.isStrict,
            memoryTotalBytes: scheduler.capacity.memoryBytes,
            memoryFreeBytes: scheduler.free.memoryBytes, cpusTotal: Double(scheduler.capacity.milliCPUs) / 1000,
            cpusFree: Double(scheduler.free.milliCPUs) / 1000, running: runs, pending: waits,
            groups: byGroup.sorted { $0.key < $1.key }.map {
                DaemonView.Group(
                    name: $0.key, parallel: queueSettings.groups[$0.key] ?? nil, running: $0.value.running,
                    pending: $0.value.pending)
            })
    }
}

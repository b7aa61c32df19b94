// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Cgroups
import Glibc
import JobModel
import JobStore
import Linux
import Logging
import Queue
import Scheduler
import Supervisor

/// The take-over of an earlier daemon's jobs, and the leaving of this one's.
extension Dispatcher {
    /// Brings the queue of an earlier daemon back: what was pending is queued, what runs is taken over, what is gone is lost.
    package func recover() throws {
        var live: [StoredJob] = []
        try store.live { live.append($0) }
        for job in live { quotaUsage.enter(job.id, QuotaUsage.Share(of: job), of: job.owner.uid) }
        let ids = Set(live.map(\.id))
        crashes.forget { !ids.contains($0) }
        // Jobs that are waited for come in before the jobs that wait, and these before one that ran turns out to have ended,
        // of which they must hear.
        for job in live where job.state.isLiveAttempt {
            CrashNote.about(job.id) {
                scheduler.adopt(Entry(job), startedAt: (job.startedAt ?? now).microsecondsSinceEpoch)
            }
        }
        for job in live where !job.state.isLiveAttempt {
            CrashNote.about(job.id) { enqueue(job) }
            // Before anything is decided: it does not start.
            if job.state == .pending, let reason = crashes.reason(against: job.id) { quarantine(job, reason) }
        }
        for job in live where job.state.isLiveAttempt {
            if let reason = crashes.reason(against: job.id) {
                quarantineRunning(job, reason)
            } else {
                CrashNote.about(job.id) { recoverRunning(job) }
            }
        }
        for job in live {
            if let damage = job.damage { log.error("\(damage)", metadata: ["JOB_ID": "\(job.id)"]) }
        }
        // Before anything starts: a pending job may have a directory of a start that never got on disk.
        discardLeftovers()
        isRecovered = true
        dispatch()
        removeExpired()
    }

    /// Takes our empty directories out of the cgroup tree; those with jobs in them stay.
    package func leavePlace() {
        takeBackAll()
        clearing.finish()
        supervisor.stop()
        supervisor.root.removeIfEmpty()
    }

    /// Clears away the attempts whose end an earlier daemon had recorded and not yet cleared away.
    private func discardLeftovers() {
        let folder = settings.stateDirectory + "/attempts"
        // An end that is not on disk yet can be made again only from what is in there.
        let keys = table.begun
        let current = Set(keys.map { "\($0.job).\($0.number)" })
        for (name, _) in (try? Files.list(folder)) ?? [] where !current.contains(name) {
            discard(AttemptDirectory("\(folder)/\(name)"))
        }
        for error in supervisor.removeStray(except: keys.map { AttemptName.queued(job: $0.job, attempt: $0.number) }) {
            log.error("\(error.description)")
        }
    }

    /// Ends and takes away what may be left of an attempt that was recorded without having been found again.
    func discardRemains(of key: AttemptKey) {
        discard(directory(of: key))
        do throws(CgroupError) {
            try supervisor.root.remove(AttemptName.queued(job: key.job, attempt: key.number))
        } catch { log.error("\(error.description)", metadata: ["JOB_ID": "\(key.job)"]) }
    }

    /// The jobs-init of an attempt that nobody watches waits for a word of ours.
    private func discard(_ directory: AttemptDirectory) {
        guard directory.isWorking else { return }
        do throws(SupervisorError) { try supervisor.discard(directory) } catch {
            log.error("\(error.description)", metadata: ["attempt": "\(directory.path)"])
        }
    }

    private func recoverRunning(_ job: StoredJob) {
        // Until its texts have been read.
        var entry = QueuedAttempt(unread: job, number: job.attempt)
        apply(.adopt(entry), to: job.id)
        let key = entry.key
        do {
            entry.document = try stored(job.id).document
            let context: SubmissionContext
            (entry.spec, context) = try texts.read(entry.document, of: job)
            table.amend(key) { $0 = entry }
            guard try store.attempts(of: job.id).last?.bootID == Self.bootID else {
                return ended(key, lost(entry, "The machine was restarted while it ran."))
            }
            var request = try request(for: entry, context: context)
            let directory = directory(of: key)
            if directory.isCancelled { request.cancelledBy = Int(SIGTERM) }
            let beginAgain = { [self] in
                if directory.isCancelled { return ended(key, cancelledBeforeItBegan(entry)) }
                if let damage = job.damage { return ended(key, lost(entry, "It had not begun, and \(damage).")) }
                launch(entry, context: context)
            }
            switch try supervisor.adopt(request, onEnd: { [self] record in ended(key, record) }) {
            case .neverStarted: beginAgain()
            case .vanished(let reason): ended(key, lost(entry, reason))
            case .adopted(let attempt):
                attempt.onNeverStarted = beginAgain
                follow(attempt, key)
            }
        } catch {
            log.error("\(error)", metadata: ["JOB_ID": "\(job.id)"])
            leaveRunning(entry, error)
        }
    }

    private func follow(_ attempt: Attempt, _ key: AttemptKey) {
        table.amend(key) { $0.handle = attempt }
        log.notice("found again", metadata: ["JOB_ID": "\(key.job)", "JOB_ATTEMPT": "\(key.number)"])
        logRemarks(of: attempt, key)
        if directory(of: key).isCancelled { attempt.cancelAgain() }
        attempt.catchUp()
    }

    /// Keeps an attempt of a job that cannot be read here, as after a downgrade: that is no reason to end it.
    private func leaveRunning(_ entry: QueuedAttempt, _ error: any Error) {
        let key = entry.key
        var request = Supervisor.Request(
            spec: JobSpec(name: entry.job.name), identity: identity(of: entry), environment: [:], directory: "/",
            standardIO: [])
        request.queued = directory(of: key)
        // The job file's own values cannot be read; jobs-init and the kernel know them.
        request.spec.limits.grace = .seconds(86_400)
        request.spec.oom = .killProcess
        if directory(of: key).isCancelled { request.cancelledBy = Int(SIGTERM) }
        let attempt = supervisor.adoptUnread(request, because: "\(error)") { [self] record in ended(key, record) }
        guard let attempt else {
            return ended(key, lost(entry, "jobsd was restarted and could not find it again: \(error)"))
        }
        follow(attempt, key)
    }

    func cancelledBeforeItBegan(_ entry: QueuedAttempt) -> Record {
        let verdict = Verdict(
            state: .cancelled, cause: .cancelled, exit: ExitStatus(), message: "It was cancelled before it began.")
        return record(of: entry, verdict, without: "the command never started")
    }

    func lost(_ entry: QueuedAttempt, _ message: String) -> Record {
        let verdict = Verdict(state: .lost, cause: .supervisorLost, exit: ExitStatus(), message: message)
        var record = record(of: entry, verdict, without: "its cgroup is gone")
        record.startedAt = entry.job.startedAt
        return record
    }

    static let bootID =
        (try? Files.read("/proc/sys/kernel/random/boot_id"))?.split(separator: "\n").first.map(String.init) ?? ""
}

// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Cgroups
import Glibc
import JobModel
import Linux

/// The frames of jobs-init: read, believed or not, and acted upon.
extension Attempt {
    func readReport() { about { readNews() } }

    private func readNews() {
        if evidence.unreadable != nil { return releaseInit() }
        let length = 65536
        guard var bytes = try? launch.report.read(limit: length), !bytes.isEmpty else {
            // End of the report: jobs-init is gone, which its pidfd says too. A file may still grow.
            if reportWatch == nil { loop.forget(launch.report.rawValue) }
            return
        }
        reader.append(bytes)
        // inotify tells once of several writes. The reader bounds their sum.
        while check != nil, bytes.count == length, !reader.isAtItsEnd {
            bytes = (try? launch.report.read(limit: length)) ?? []
            reader.append(bytes)
        }
        var reports: [Report] = []
        var problem: Unreadable?
        do throws(Unreadable) {
            while let report = try reader.next() { reports.append(report) }
            // jobs-init writes each frame at once.
            if check != nil { try reader.finish() }
        } catch {
            problem = error
            // A contradiction to an end may stand among the bytes that cannot be read.
            reports.removeAll { if case .exited = $0 { true } else { false } }
        }
        if check != nil, !reports.isEmpty, !isFinished {
            try? meet()
            let (pid, now) = (
                Namespaces.isOfProc ? launch.process.map { Int($0.pid) } : nil, Clock.monotonicMicroseconds
            )
            // All of them first: what contradicts an end may stand behind it.
            for report in reports {
                if let objection = check?.objection(to: report, initPid: pid, now: now) { return disbelieve(objection) }
            }
        }
        for report in reports where !isFinished { handle(report) }
        if let problem, !isFinished { cannotRead(problem) }
    }

    /// Its jobs-init is of another version, or something else has written to its report. That is no reason to end what runs: it
    /// keeps its place until its jobs-init is gone.
    private func cannotRead(_ problem: Unreadable) {
        // A jobs-init of our own version, whose command has not run: the gate opens only after the birth.
        if check == nil || launch.gate != nil && !isBorn { return misunderstood(problem) }
        evidence.unreadable = "\(problem)"
        // An end that was not confirmed yet.
        if let confirmation { loop.forget(confirmation.descriptor.rawValue) }
        onRemark()
        releaseInit()
    }

    /// jobs-init stays after its last frame until it is told to leave. One that cannot be understood has written that frame if
    /// nobody is left.
    private func releaseInit(patienceUsec: Int = 500) {
        guard cgroup.isPopulated else { return tell(Control.leave) }
        lookAgain(in: patienceUsec) { [self] in releaseInit(patienceUsec: patienceUsec * 2) }
    }

    /// Kernels since 6.19 show a moment later that nobody is left (`cgroup_task_dead`).
    ///
    /// - Returns: `false` if that moment is over.
    @discardableResult
    private func lookAgain(in usec: Int, _ look: @escaping () -> Void) -> Bool {
        guard usec < 500_000, let timer = try? Linux.Timer() else { return false }
        if let confirmation { loop.forget(confirmation.descriptor.rawValue) }
        confirmation = timer
        try? loop.watch(timer.descriptor.rawValue) { [self] in
            loop.forget(timer.descriptor.rawValue)
            if !isFinished { look() }
        }
        try? timer.arm(microseconds: usec)
        return true
    }

    /// Nothing that the report says counts any more, so the job is ended here.
    private func disbelieve(_ objection: String) {
        evidence.disbelief = objection
        exit = nil
        evidence.exit = nil
        cgroup.kill()
        finish()
    }

    /// jobs-init tells the end when nobody is left.
    private func confirm(_ end: Report.Exit, patienceUsec: Int = 500) {
        guard check != nil, cgroup.isPopulated else { return conclude(end) }
        let looks = lookAgain(in: patienceUsec) { [self] in confirm(end, patienceUsec: patienceUsec * 2) }
        if !looks { disbelieve("it tells the end while processes of the job run") }
    }

    private func conclude(_ end: Report.Exit) {
        exit = end
        evidence.exit = ExitStatus(waitStatus: CInt(end.waitStatus))
        evidence.neverExecuted = end.neverExecuted
        evidence.rest = Rest(terminated: end.terminated, killed: end.killed)
        finish()
    }

    private func misunderstood(_ problem: Unreadable) {
        evidence.setupFailure = SetupFailure(step: "understand jobs-init;", detail: "\(problem)", errno: EPROTO)
        killInit()
    }

    private func handle(_ report: Report) {
        switch report {
        case .born(let birth):
            isBorn = true
            vocabulary = min(birth.vocabulary, Control.vocabulary)
            // One that the fork server has not lived to tell us of sees its gate close.
            if (try? meet()) != nil { launch.gate?.noteBirth() }
        case .started(let start):
            self.start = start
            if Namespaces.isInitialPID { evidence.mainPid = start.outerPid }
            evidence.hasStarted = true
        case .failed(let failure):
            evidence.setupFailure = failure
            evidence.setupRemedy = NamespaceObstacle(failure)?.remedy(needsUserNamespace: false)
        case .endedFromOutside:
            evidence.endedFromOutside = true
            backstop.expectKill(within: request.spec.limits.grace.microseconds)
        case .killing: backstop.expectDeath()
        case .stopped: onStop()
        case .limitReached(let limit):
            evidence.timeLimit = evidence.timeLimit ?? limit
            backstop.expectKill(within: request.spec.limits.grace.microseconds)
            watch.sample()
        case .exited(let end): confirm(end)
        }
    }
}

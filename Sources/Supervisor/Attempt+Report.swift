// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import JobModel
import Linux
import Sandbox

/// The frames of jobs-init: read, believed or not, and acted upon.
extension Attempt {
    func readReport() { about { readNews() } }

    private func readNews() {
        guard let bytes = try? launch.report.read(), !bytes.isEmpty else {
            // End of the report: jobs-init is gone, which its pidfd says too. A file may still grow.
            if reportWatch == nil { loop.forget(launch.report.rawValue) }
            return
        }
        buffer += bytes
        let reports = Report.decode(from: &buffer) { misunderstood() }
        // jobs-init writes each frame at once.
        if check != nil, !buffer.isEmpty, !isFinished { return disbelieve("it holds a part of a frame") }
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
    }

    /// Nothing that the report says counts any more, so the job is ended here.
    private func disbelieve(_ objection: String) {
        evidence.disbelief = objection
        exit = nil
        evidence.exit = nil
        cgroup.kill()
        finish()
    }

    /// jobs-init tells the end when nobody is left, which kernels since 6.19 show a moment later (`cgroup_task_dead`).
    private func confirm(_ end: Report.Exit, patienceUsec: Int = 500) {
        guard check != nil, cgroup.isPopulated else { return conclude(end) }
        guard patienceUsec < 500_000, let timer = try? Linux.Timer() else {
            return disbelieve("it tells the end while processes of the job run")
        }
        confirmation = timer
        try? loop.watch(timer.descriptor.rawValue) { [self] in
            loop.forget(timer.descriptor.rawValue)
            if !isFinished { confirm(end, patienceUsec: patienceUsec * 2) }
        }
        try? timer.arm(microseconds: patienceUsec)
    }

    private func conclude(_ end: Report.Exit) {
        exit = end
        evidence.exit = ExitStatus(waitStatus: CInt(end.waitStatus))
        evidence.neverExecuted = end.neverExecuted
        evidence.rest = Rest(terminated: end.terminated, killed: end.killed)
        finish()
    }

    /// jobs-init is of another build: it waits for an answer that we do not know to give, so it is ended here.
    private func misunderstood() {
        evidence.setupFailure = SetupFailure(
            step: "understand jobs-init;", detail: "it is of another version than jobs, install both together",
            errno: EPROTO)
        killInit()
    }

    private func handle(_ report: Report) {
        switch report {
        case .born:
            // One that the template has not lived to tell us of sees its gate close.
            if (try? meet()) != nil { launch.gate?.noteBirth() }
        case .started(let start):
            self.start = start
            if start.outerPid > 0, Namespaces.isInitialPID { evidence.mainPid = start.outerPid }
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

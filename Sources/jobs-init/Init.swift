// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Glibc
import Linux
import Sandbox
import SystemPackage

/// One attempt from the inside: set-up, command, watch, end.
final class Init {
    private let plan: Plan
    private let report = Descriptor(Plan.Descriptors.report)
    private let control = Descriptor(Plan.Descriptors.control)
    private var writer = ReportWriter()

    init(plan: Plan) { self.plan = plan }

    func run() -> Never {
        do throws(SetupFailure) {
            let signals = try becomeInit()
            if plan.queued != nil { try announceBirth() }
            let outerProc = try? Descriptor.open("/proc", O_DIRECTORY)
            try Surroundings(plan).build()
            let output = try plan.queued.map { queued throws(SetupFailure) in try Output(queued) }
            let payload = Payload(plan, outerProc: outerProc)
            try payload.restrict()
            if let queued = plan.queued { waitForLeave(queued) }
            let command = try payload.start()
            // With memory of its own, as in a time namespace, the command's process has come to more than we have before its
            // execve, but never to twice as much.
            let floor = ownMaxRSSBytes * (plan.namespaces.contains(.time) ? 2 : 1)
            tell(.started(start(of: command)))
            closeOwnStandardIO()
            let killer = Killer(plan: plan, main: command.pid)
            let deadlines = try Deadlines(plan: plan, startedUsec: command.startedUsec)
            Watch(
                main: command.pid, killer: killer, deadlines: deadlines, signals: signals, control: control,
                output: output, floorRSSBytes: floor, tell: tell
            ).run()
        } catch {
            tell(.failed(error))
            exit(125)
        }
    }

    /// Before the mounts change: `/proc` is still our supervisor's, so that the pid is the one that it can use.
    private func announceBirth() throws(SetupFailure) {
        var birth = Report.Birth()
        do throws(Errno) {
            birth.pid = Int(try Files.readLink("/proc/self")) ?? 0
            birth.bootTicks = Clock.bootTicks
            birth.vocabulary = Control.vocabulary
        } catch { throw SetupFailure(step: "read", detail: "/proc/self", errno: error.rawValue) }
        // Nobody would find us again without it, and the daemon would wait for it for ever.
        do throws(Errno) { try report.write(writer.bytes(of: .born(birth))) } catch { exit(125) }
    }

    /// The command must not run before the daemon's books say so, or a crash in between would run it twice.
    private func waitForLeave(_ queued: Plan.Queued) {
        let gate = Descriptor(queued.gateDescriptor)
        guard let byte = try? gate.read(limit: 1), !byte.isEmpty else { exit(0) }
    }

    /// Signals become data, and nobody of the job's uid may trace us or read our memory.
    private func becomeInit() throws(SetupFailure) -> SignalQueue {
        setsid()
        // Most are for nobody here, and each would end us.
        blockSignals()
        // The job's kill switch and our report are not for the job.
        Descriptor.closeOnExec(from: Plan.Descriptors.plan)
        do throws(Errno) {
            try Credentials.makeUndumpable()
            if plan.terminal { try Terminal.takeControl(of: 0) }
            if !plan.namespaces.contains(.pid) || !plan.initProcess { try Credentials.becomeSubreaper() }
            return try SignalQueue([SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGIO])
        } catch {
            throw SetupFailure(step: "prepare jobs-init", detail: "", errno: error.rawValue)
        }
    }

    private func start(of command: Payload.Started) -> Report.Start {
        var start = Report.Start()
        start.pid = Int(command.pid)
        start.outerPid = command.outerPid
        start.monotonicUsec = command.startedUsec
        start.realtimeUsec = Clock.realtimeMicroseconds - (Clock.monotonicMicroseconds - command.startedUsec)
        return start
    }

    private var ownMaxRSSBytes: Int {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        return usage.ru_maxrss * 1024
    }

    /// Readers of the job's output must see its end when the last process of the job is gone, not when we are.
    private func closeOwnStandardIO() {
        for fd: CInt in 0...2 { close(fd) }
    }

    private func tell(_ message: Report) {
        // Nobody left to tell: a supervisor that died. The control channel's end says so too.
        try? report.write(writer.bytes(of: message))
    }
}

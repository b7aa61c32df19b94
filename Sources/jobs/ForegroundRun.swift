// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import JobModel
import JobsAPI
import JobsView
import Linux
import Supervisor
import SystemPackage

/// One attempt in this process: starts it, passes signals and the terminal on, and tells how it went.
struct ForegroundRun {
    let arguments: JobArguments
    let spec: JobSpec

    /// - Returns: the exit code of DESIGN 4.2.
    func run() -> Int32 {
        do { return try supervise() } catch {
            complain((error as? Errno).map { "cannot watch the job: \($0)" } ?? "\(error)")
            return 125
        }
    }

    private func supervise() throws -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        let directory = try Origin.directory(for: spec)
        let report = try arguments.report.map { file throws(ReportFile.Unwritable) in try ReportFile(file) }
        // Before anything is started: a signal that arrives meanwhile waits in the queue. What was ignored when we began, as
        // under nohup, stays so.
        let signals = try SignalQueue(
            ([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH] + SignalRelay.forwarded)
                .filter { !SignalQueue.isIgnored($0) })
        for signal in SignalRelay.survived { Glibc.signal(signal, SIG_IGN) }
        let loop = try EventLoop()
        let forkServer = ForkServer(path: InitProgram.path)
        // Its start takes longer than all that we have to do until it is needed.
        if Workplace.isHere { try? forkServer.start() }
        let root = try Workplace.prepare()
        if let notice = root.notice { complain(notice) }
        defer { root.removeIfEmpty() }
        let supervisor = Supervisor(root: root, loop: loop, forkServer: forkServer)
        defer { supervisor.stop() }
        for error in supervisor.removeStale() { complain("left behind by an earlier run: \(error)") }
        let terminal = arguments.terminal ? try TerminalRelay(loop: loop) : nil
        defer { terminal?.restore() }

        let environment = OwnEnvironment()
        for name in environment.unreadable {
            complain("the variable \(name) is not UTF-8 and left out of the environment")
        }
        var request = Supervisor.Request(
            spec: spec, identity: JobIdentity(id: nil, name: spec.name, attempt: 1, owner: Account.current.name),
            environment: environment.variables, directory: directory,
            standardIO: terminal?.standardIO ?? [0, 1, 2])
        request.terminal = terminal != nil
        request.allowUnenforced = arguments.allowUnenforced
        request.queues = queues
        var record: Record?
        let attempt = try supervisor.start(request) { ended in
            record = ended
            loop.stop()
        }
        supervisor.dismiss()
        let relay = SignalRelay(signals: signals, attempt: attempt, terminal: terminal)
        try relay.begin(loop)
        terminal?.begin(attempt)
        if record == nil { try loop.run() }
        terminal?.finish()
        guard let record else { return 125 }
        if !arguments.quiet {
            try? Descriptor.standardError.write(Summary(record).text(colour: Style.of(2).colour))
        }
        let code = record.verdict.processExitCode
        do throws(Errno) { try report?.write(record.json.text(pretty: true) + "\n") } catch {
            complain("cannot write the record to \(arguments.report ?? ""): \(error)")
            // The job's own end says more, if it is a bad one.
            return code == 0 ? 74 : code
        }
        return code
    }
}

extension ForegroundRun {
    private var queues: QueueDirectories {
        let account = spec.user.flatMap { Account.find($0) } ?? Account.current
        let here = (try? Locations.current()) ?? .system
        let all = here.reachable(by: account.uid, home: account.home)
        return QueueDirectories(state: all.map(\.state), runtime: all.map(\.runtime))
    }
}

// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Cgroups
import Glibc
import JobModel
import JobStore
import JobsAPI
import JobsServer
import Linux
import Logging
import Queue
import Scheduler
import ServiceLifecycle
import Supervisor
import Systemd
import UnixSignals

/// Where the program starts.
@main
enum Main {
    static func main() async {
        if let problem = ProgramStart.problem() {
            try? Descriptor.standardError.write("jobsd: \(problem)\n")
            exit(125)
        }
        await Jobsd.main()
    }
}

/// The daemon: configuration → services → `ServiceGroup`.
struct Jobsd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobsd",
        abstract: "Holds the queue of jobs and runs them.",
        discussion: """
            Its places are /var/lib/jobs and /run/jobs for root and XDG directories for a user; JOBS_STATE_DIR and \
            JOBS_RUNTIME_DIR name others. `jobs submit` starts it when none runs.
            """,
        version: "jobsd \(jobsVersion)")

    @Option(
        help:
            "Memory that all jobs may have together. All of the machine's, or of the container's, but a tenth if left out."
    )
    var memory: String?

    @Option(help: "CPUs that all jobs may have together. All that jobsd may use if left out.")
    var cpus: String?

    @Option(
        help: ArgumentHelp(
            "Most processes and threads of a job that says nothing itself; a seventh of the machine's if left out.",
            valueName: "number|unlimited"))
    var pids: String?

    @Option(
        name: .customLong("keep-age"),
        help: ArgumentHelp(
            "Remove finished jobs and their output after this time; `unlimited` keeps them.", valueName: "time"))
    var keepAge = "30d"

    @Option(
        name: .customLong("keep-jobs"),
        help: ArgumentHelp("Keep about so many finished jobs, the newest.", valueName: "number"))
    var keepJobs = "100000"

    @Option(
        name: .customLong("keep-bytes"),
        help: ArgumentHelp("Keep about so much output of finished jobs, the newest.", valueName: "size"))
    var keepBytes = "4G"

    @Option(
        help: ArgumentHelp(
            "How much each user may have: jobs, array, texts, terms, connections, output; see jobsd(8).",
            valueName: "name=value"))
    var quota: [String] = []

    @Option(
        name: .customLong("socket-group"),
        help: ArgumentHelp(
            "Let only members of this group connect, and root; everybody if left out.", valueName: "group"))
    var socketGroup: String?

    @Option(help: ArgumentHelp("Append the log to this file instead of standard error.", valueName: "file"))
    var log: String?

    @Option(name: .customLong("ready-fd"), help: ArgumentHelp("Say `ready` here, or why not.", visibility: .hidden))
    var readyDescriptor: Int32?

    mutating func run() async throws {
        // A list of a thousand jobs would leave its memory behind in each of twenty threads.
        limitMemoryArenas(2)
        let ready = Readiness(readyDescriptor)
        do {
            try await serve(ready)
        } catch {
            try? Descriptor.standardError.write("jobsd: \("\(error)".printableLines)\n")
            let isTaken = (error as? StartError)?.isTaken == true
            ready.say(isTaken ? "taken" : "\(error)".split(separator: "\n").joined(separator: " "))
            throw ExitCode(error is ValidationError ? 64 : 1)
        }
    }

    private func serve(_ ready: Readiness) async throws {
        signal(SIGPIPE, SIG_IGN)
        // A file that may not grow any more is an error of the disk's like others, and no reason to die.
        signal(SIGXFSZ, SIG_IGN)
        try raiseDescriptorLimit()
        let locations = try Locations.current()
        // A mistake leaves nothing behind.
        let quotas = try Quotas.of(quota)
        let group = try socketGroup.map { try SocketGroup.number(of: $0) }
        let retention = try RetentionPolicy.of(age: keepAge, jobs: keepJobs, bytes: keepBytes)
        let pids = try Capacity.pids(pids)
        let asked = try Capacity.Asked(memory: memory, cpus: cpus)
        if let log { try redirect(to: log) }
        // The submitter's directory may be on something that has to be unmounted one day.
        chdir("/")
        let logger = LogOutput.logger(label: "jobsd")
        // Before anything that takes long: a client that comes meanwhile knows by it that an answer is on its way.
        let lock = try InstanceLock(locations)
        var isStarted = false
        defer { if !isStarted { lock.takeBack() } }
        let place = try Workplace.prepareQueue(stateDirectory: locations.state, runtimeDirectory: locations.runtime)
        defer { if !isStarted { place.takeBack() } }
        let root = place.root
        if let notice = root.notice {
            logger.notice("\(notice)")
            ready.note(notice)
        }
        let capacity = asked.resources(within: root.outerLimits())
        let store = try JobStore(path: locations.state + "/jobs.db")
        let executor = try LoopExecutor()
        let dispatcher = try Dispatcher(
            executor: executor,
            settings: Dispatcher.Settings(
                locations: locations, initPath: InitProgram.path,
                version: jobsVersion, capacity: capacity, retention: retention,
                pids: pids, outputCeiling: Capacity.output(below: locations.state), quotas: quotas),
            store: store, root: root, log: logger)
        try executor.start()
        try await dispatcher.recover()
        isStarted = true
        let server = Server(dispatcher: dispatcher, socketPath: locations.socket, socketGroup: group, log: logger) {
            ready.say("ready")
            Notify.ready()
            logger.notice("ready", metadata: ["socket": "\(locations.socket)"])
            forgetProgramText()
        }
        if Notify.isWanted { await dispatcher.onStatus { Notify.status($0) } }
        // Twice as often as systemd wants it, as sd_watchdog_enabled(3) advises.
        let watchdog = Watchdog()
        if let usec = Notify.watchdogMicroseconds { await dispatcher.beat(every: usec / 2) { watchdog.beat() } }
        var configuration = ServiceGroupConfiguration(
            services: [.init(service: server)], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        // Nobody who is slow to read an answer keeps the daemon from its end.
        configuration.maximumGracefulShutdownDuration = .seconds(5)
        try await ServiceGroup(configuration: configuration).run()
        Notify.stopping()
        // Running jobs run on; the next daemon finds them.
        store.close()
        await dispatcher.leavePlace()
        withExtendedLifetime((lock, watchdog)) {}
    }

    /// Connections and attempts take some descriptors each, and the soft limit is there for select(2) alone. Jobs get the
    /// limits of whoever submits them.
    private func raiseDescriptorLimit() throws {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
        // An idle daemon has about 25, and NIO ends the process where it cannot have its event loops'.
        guard limit.rlim_max >= 64 else {
            throw StartError(
                description: """
                    jobsd may open \(limit.rlim_max) files and needs 64 to start, more for each job and connection; raise the \
                    hard limit (`ulimit -Hn`, LimitNOFILE= of a service)
                    """)
        }
    }

    private func redirect(to path: String) throws {
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
        for fd: CInt in 1...2 { dup2(file.rawValue, fd) }
    }
}

let jobsVersion = "0.1.0"

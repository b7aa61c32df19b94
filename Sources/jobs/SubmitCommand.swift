// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Cgroups
import Glibc
import JobFile
import JobModel
import JobsAPI
import JobsClient
import JobsView
import Linux

/// `jobs submit`: queues a job; starts the daemon if there is none.
struct SubmitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit", abstract: "Queue a job.",
        usage: "jobs submit [LIMITS] [--parsable] [--wait] NAME | FILE | -- COMMAND…")

    static let ownFlags: [JobArguments.OwnFlag] = [
        .init("--parsable", "print the id alone, for scripts; FIRST-LAST for an array"),
        .init("--wait", short: "-w", "wait for the end and exit as the job did"),
        .init("--json", "print the answer as JSON"),
        .fromSlurm,
        .init("--allow-past", "queue it although the time of --begin is past"),
        .init("--quiet", short: "-q", "print nothing"),
        .help,
    ]

    @Argument(parsing: .captureForPassthrough)
    var words: [String] = []

    func run() throws { throw ExitCode(Self.perform(words)) }

    static func perform(_ words: [String]) -> Int32 {
        do {
            var arguments = try JobArguments(words, own: ownFlags)
            if arguments.help {
                print(help)
                return 0
            }
            arguments.heedForeignWords(own: ownFlags)
            let start = now()
            // Understood here first: a mistake is shown with the file's name as it was typed, and starts no daemon.
            let spec = try arguments.spec()
            guard spec.command != nil else {
                throw JobArguments.UsageError(description: "job '\(spec.name)' has no command")
            }
            var source = try arguments.source()
            if let begin = spec.scheduling.begin {
                guard begin >= start || arguments.has("--allow-past") else {
                    throw JobArguments.UsageError(
                        description: "it would begin at \(LocalTime.current.full(begin)), which is past; "
                            + "--allow-past queues it all the same")
                }
                // The clock and the zone are the submitter's; jobsd may have others.
                source.flags.append(.init(flag: "--begin", value: begin.description))
            }
            let submission = try Origin.submission(source, spec)
            for notice in Foresight(spec: spec, submission: submission).notices { arguments.warn(notice) }
            let begin = spec.scheduling.begin
            return DaemonCall.wait { [arguments] in
                do { return try await submit(submission, arguments, begin: begin) } catch {
                    return DaemonCall.complainAbout(error)
                }
            }
        } catch { return RunCommand.refuse(error, verb: "submit") }
    }

    private static func submit(
        _ submission: Submission, _ arguments: JobArguments, begin: Timestamp?
    ) async throws -> Int32 {
        let (client, submitted) = try await send(submission)
        for notice in submitted.notices { arguments.warn(notice) }
        let last = submitted.id + submitted.count - 1
        let ids = submitted.count == 1 ? "\(submitted.id)" : "\(submitted.id)-\(last)"
        if arguments.has("--json") {
            Output.write(submitted.json)
        } else if arguments.has("--parsable") {
            Output.write(ids + "\n")
        } else if !arguments.quiet {
            let beginning = begin.map { ", not to begin before \(LocalTime.current.full($0)) local time" } ?? ""
            Output.write("submitted job\(submitted.count == 1 ? "" : "s") \(ids)\(beginning)\n")
        }
        guard arguments.has("--wait") else { return 0 }
        Farewell.set(
            "jobs: no longer waiting; the job goes on. `jobs wait \(ids)` waits again, `jobs cancel \(ids)` ends it")
        return try await JobWait(
            client: client.outlastingRestarts, ids: Array(submitted.id...last), quiet: arguments.quiet
        ).perform()
    }

    /// After more tries than this it is the submission that the daemon dies of.
    private static let mostTries = 10

    /// Sends it to the daemon, and says of a failure after which the job may be queued that it may be.
    private static func send(_ submission: Submission) async throws -> (JobsClient, Submitted) {
        var mayBeQueued = false
        do { return try await send(submission, &mayBeQueued) } catch {
            if mayBeQueued {
                complain("a jobsd that went away may have queued it before; look with `jobs status` first")
            }
            throw error
        }
    }

    /// Again if the daemon goes away before its answer: under its key the job is queued once.
    private static func send(
        _ submission: Submission, _ mayBeQueued: inout Bool
    ) async throws -> (JobsClient, Submitted) {
        let locations = try Locations.current()
        var client = DaemonCall.client(of: locations)
        let key = (0..<2).map { _ in hex(UInt64.random(in: 0...(.max))) }.joined()
        for tries in 1..<mostTries {
            try client.checkPlace()
            do throws(ClientError) { return (client, try await client.submit(submission, key: key)) } catch {
                if error.isLoss {
                    mayBeQueued = true
                    complain("jobsd went away before its answer; submitting again, which queues it once")
                    // One that is still there has closed the connection, as it does with too many.
                    if JobsClient.answers(client.socket) { try? await Task.sleep(for: .milliseconds(50 << tries)) }
                    continue
                }
                guard error.nobodyListens else { throw error }
                if client.socket == locations.socket {
                    try await bring(client, locations, after: error)
                } else if await !client.waitForReturn(after: error) {
                    // Another queue must not have it, too.
                    guard !mayBeQueued else { throw error }
                    client = DaemonCall.telling(JobsClient(socket: locations.socket))
                }
            }
        }
        return (client, try await client.submit(submission, key: key))
    }

    private static func hex(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Starts the daemon; from inside a job, waits for one that is expected back.
    private static func bring(
        _ client: JobsClient, _ locations: Locations, after error: ClientError
    ) async throws {
        let isInsideJob = CgroupManager.isInsideJob
        if isInsideJob, await client.waitForReturn(after: error) { return }
        let executable = (try? Files.readLink("/proc/self/exe")) ?? "/usr/bin/jobs"
        do {
            let starter = DaemonStarter(
                locations, executable: executable, environment: OwnEnvironment().variables, isInsideJob: isInsideJob)
            switch try starter.start() {
            case .process(let pid, let notices):
                for notice in notices { complain(notice) }
                complain("started jobsd (pid \(pid)); it keeps running")
            case .unit(let isUsers): complain("started jobsd.service\(isUsers ? " of your own systemd" : "")")
            case .already: break
            }
        } catch { throw CannotStart(description: error.description) }
    }

    /// No daemon answers, and none can be started: exit code 69.
    struct CannotStart: Error, CustomStringConvertible {
        var description: String
    }

    private static var help: String {
        JobHelp(
            verb: "submit",
            abstract: "Queue a job. If no jobsd runs, one is started; it keeps running. If it goes away before its "
                + "answer, the job is submitted again, which queues it once.",
            own: ownFlags,
            ending: [
                "The job starts in the current directory, with your umask and resource limits, and with what --export names "
                    + "of your environment. With --wait the exit code is that of `jobs run`; without, 0 once the job is on "
                    + "disk, 64 bad usage, 65 bad job, 69 no jobsd and none could be started, 75 the queue takes no jobs now."
            ]
        ).text(sections: [nil, "limits", "isolation", "queue"])
    }
}

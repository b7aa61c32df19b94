// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobModel
import JobsAPI
import JobsClient
import JobsView

/// `jobs history`: finished jobs.
struct HistoryCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "List finished jobs.",
        discussion: """
            --json prints the record of every attempt, one a line; a job that was cancelled before it began has none. \
            --joblog prints GNU parallel's --joblog format: Seq is the id.
            """)

    @Option(help: "Only jobs that ended so: failed,out-of-memory …")
    var state: States?

    @Option(help: "Only jobs of this name.")
    var name: String?

    @Option(help: "Only jobs that ended since: 2h, 7d, 2026-11-24, or 2026-11-24T22:00:00Z.")
    var since: Since?

    @Option(name: [.short, .long], help: "No more than this many, the newest; 0 for all.")
    var limit = 50

    @Flag(help: "Print the records as JSON.")
    var json = false

    @Flag(help: "Print GNU parallel's format.")
    var joblog = false

    func validate() throws {
        if json && joblog { throw ValidationError("--json and --joblog are two formats; choose one") }
        if let live = state?.states.first(where: \.isLive) {
            throw ValidationError(
                "history is of jobs that have ended, and '\(live.rawValue)' is none; see `jobs status --state`")
        }
        if limit < 0 { throw ValidationError("--limit is a number of jobs; 0 is all") }
    }

    func perform(_ client: JobsClient) async throws -> Int32 {
        let jobs = try await find(client)
        if json {
            for job in jobs.reversed() {
                for record in try await client.account(of: job.id)["attempts"]?.arrayValue ?? [] {
                    Output.write(record)
                }
            }
        } else if joblog {
            Output.write(JobLog.text(jobs))
        } else {
            Output.write(HistoryTable(jobs, now: now(), user: DaemonCall.user).text(Style.of(1)))
        }
        return 0
    }

    private func find(_ client: JobsClient) async throws -> [JobView] {
        var query = JobQuery()
        query.states = state?.states ?? JobState.final
        query.name = name
        query.limit = limit == 0 ? nil : limit
        query.since = since?.moment(now: now(), .current)?.description
        return try await client.jobs(query)
    }
}

/// A moment in the past as it is written on the command line.
struct Since: ExpressibleByArgument, Sendable {
    private var ago: JobDuration?
    private var at: Timestamp?

    init?(argument: String) {
        if let at = JobsView.moment(argument) {
            self.at = at
        } else if let day = JobsView.moment(argument + "T00:00:00Z") {
            self.at = day
            isDay = true
        } else if let ago = try? JobDuration(parsing: argument) {
            self.ago = ago
        } else {
            return nil
        }
    }

    /// A day starts at midnight here, not in Greenwich.
    private var isDay = false

    func moment(now: Timestamp, _ time: LocalTime) -> Timestamp? {
        if let ago { return Timestamp(microsecondsSinceEpoch: now.microsecondsSinceEpoch - ago.microseconds) }
        guard let at, isDay else { return at }
        let noon = Timestamp(microsecondsSinceEpoch: at.microsecondsSinceEpoch + 43_200_000_000)
        return time.startOfDay(noon)
    }
}

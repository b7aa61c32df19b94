// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc
import JobFile
import JobModel
import JobsAPI
import JobsClient
import JobsView

/// `jobs status`: what runs, what waits and why, what ended lately; for named jobs, everything.
struct StatusCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show what runs, what waits and why, and what ended lately.",
        discussion: """
            With jobs, everything that is known of them. Exit code 69 if no jobsd runs.

            \(SelectionRule.text)
            """)

    @Flag(name: [.short, .long], help: "Every job in a row of its own.")
    var all = false

    @Option(help: "Only jobs in these states: pending,running,failed …")
    var state: States?

    @Flag(help: "Print JSON: the list, or for named jobs one document each.")
    var json = false

    @Flag(name: [.short, .long], help: "Draw anew whenever something changes, until Ctrl-C.")
    var watch = false

    @Argument(help: "Ids, ranges of ids, elements of arrays, or names.")
    var jobs: [String] = []

    func validate() throws {
        guard watch else { return }
        if json {
            throw ValidationError("--watch draws for eyes, --json is for programs, which find news at /v1/events")
        }
        if isatty(1) == 0 { throw ValidationError("--watch draws on a terminal, which standard output is not") }
    }

    func perform(_ client: JobsClient) async throws -> Int32 {
        if watch {
            let client = client.outlastingRestarts
            try await StatusWatch(client: client) { style in try await text(client, style) }.perform()
        } else if json {
            try await printJSON(client)
        } else {
            Output.write(try await text(client, Style.of(1)))
        }
        return 0
    }

    private func text(_ client: JobsClient, _ style: Style) async throws -> String {
        guard jobs.isEmpty else { return try await accounts(client, style) }
        var table = try await state == nil && !all ? overview(client) : everything(client)
        table.all = all
        table.states = state?.states
        return table.text(style)
    }

    private func everything(_ client: JobsClient) async throws -> StatusTable {
        let (live, finished) = try await lists(client)
        var table = StatusTable(live: live, finished: finished, now: now(), user: DaemonCall.user)
        table.isDraining = try await client.get("/v1/daemon", as: DaemonView.self).draining
        return table
    }

    /// As many jobs as the table shows, and how many there are: a hundred thousand that wait take no longer than ten.
    private func overview(_ client: JobsClient) async throws -> StatusTable {
        func list(_ states: [JobState], startFirst: Bool = false, limit: Int?) async throws -> [JobView] {
            var query = JobQuery()
            query.states = states
            query.startFirst = startFirst
            query.limit = limit
            return try await client.jobs(query)
        }
        // Of a row's jobs the first stands for all, but where an array is folded the next ones follow it.
        let rows = 200
        let live =
            try await list([.running, .suspended], limit: nil)
            + list([.pending], startFirst: true, limit: rows)
            + list([.held], startFirst: true, limit: rows)
        let finished = try await list(JobState.final, limit: rows)
        var table = StatusTable(live: live, finished: finished, now: now(), user: DaemonCall.user)
        let arrays = Set((live + finished).compactMap(\.arrayID)).sorted()
        let counts = try await client.counts(
            since: table.time.startOfDay(table.now).description, arrays: Array(arrays.suffix(200)))
        table.counts = counts
        table.isDraining = counts.draining
        return table
    }

    /// What has not ended, and what ended lately with the ended parts of arrays that have not.
    private func lists(_ client: JobsClient) async throws -> (live: [JobView], finished: [JobView]) {
        if let state {
            var query = JobQuery()
            query.states = state.states
            query.limit = nil
            let jobs = try await client.jobs(query)
            return (jobs.filter(\.state.isLive), jobs.filter { !$0.state.isLive })
        }
        var query = JobQuery()
        query.live = true
        let live = try await client.jobs(query)
        query = JobQuery()
        query.states = JobState.final
        query.limit = all ? nil : 1000
        var finished = try await client.jobs(query)
        var known = Set(finished.map(\.id))
        for array in Set(live.compactMap(\.arrayID)).sorted() where !all {
            query = JobQuery()
            query.states = JobState.final
            query.array = array
            finished += try await client.jobs(query).filter { known.insert($0.id).inserted }
        }
        return (live, finished)
    }

    private func accounts(_ client: JobsClient, _ style: Style) async throws -> String {
        let selected = try await client.select(jobs)
        // Of many, as of an array by its name, a table says more than a hundred pages.
        guard selected.count <= 10 else {
            var table = StatusTable(
                live: selected.filter(\.state.isLive), finished: selected.filter { !$0.state.isLive }, now: now(),
                user: DaemonCall.user)
            table.all = true
            return table.text(style)
        }
        var texts: [String] = []
        for job in selected {
            let answer = try await client.account(of: job.id)
            var account = JobAccount(
                job: try JobView(json: answer["job"] ?? .null), attempts: answer["attempts"]?.arrayValue ?? [],
                changes: try await client.history(of: job.id), now: now())
            account.live = answer["live"].map { LiveUsage(json: $0) }
            account.damage = (answer["damage"]?.arrayValue ?? []).compactMap(\.stringValue)
            let source = answer["spec"].flatMap { JobSource($0) }
            account.asked = source.flatMap { try? $0.spec() }?.limits
            account.script = source?.script
            texts.append(account.text(style))
        }
        return texts.joined(separator: "\n")
    }

    private func printJSON(_ client: JobsClient) async throws {
        guard jobs.isEmpty else {
            for job in try await client.select(jobs) {
                Output.write(try await client.account(of: job.id))
            }
            return
        }
        let (live, finished) = try await lists(client)
        let shown = (live + finished).sorted { $0.id > $1.id }
        Output.write(JSON.object(["jobs": .array(shown.map(\.json))]))
    }
}

/// A list of states as it is written on the command line.
struct States: ExpressibleByArgument, Sendable {
    var states: [JobState]

    init?(argument: String) {
        let words = argument.split(separator: ",").map(String.init)
        states = words.compactMap { JobState(rawValue: $0) }
        guard !words.isEmpty, states.count == words.count else { return nil }
    }

    static var allValueStrings: [String] { JobState.allCases.map(\.rawValue) }
}

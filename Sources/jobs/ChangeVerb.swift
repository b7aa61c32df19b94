// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobModel
import JobsAPI
import JobsClient

/// The arguments of each verb that changes jobs.
struct ChangeArguments: ParsableArguments {
    @Flag(help: "Print each job as JSON, one a line.")
    var json = false

    @Flag(name: [.short, .long], help: "Print nothing of what was done.")
    var quiet = false

    @Argument(help: "Ids, ranges of ids, elements of arrays, or names.")
    var jobs: [String]
}

/// Does one verb to all jobs that were named, in one request, and says in one line what came of it.
struct ChangeVerb {
    /// As the API calls it.
    var verb: String
    /// What is printed of jobs that it was done to: `cancelled`.
    var done: String
    var body: [JSON.Member] = []

    /// - Returns: 0 if it was done to all of them.
    func perform(_ arguments: ChangeArguments, _ client: JobsClient) async throws(ClientError) -> Int32 {
        let outcome = try await client.perform(verb, on: arguments.jobs, body)
        for refusal in outcome.refused { complain(refusal.message) }
        if outcome.refusedCount > outcome.refused.count {
            complain("… and \(outcome.refusedCount - outcome.refused.count) more")
        }
        if arguments.json {
            for ids in [outcome.changed, outcome.ending] where !ids.isEmpty {
                var query = JobQuery()
                query.ids = ids
                for job in try await client.jobs(query).reversed() { Output.write(job.json.text() + "\n") }
            }
        } else if !arguments.quiet, case let summary = summary(outcome), !summary.isEmpty {
            Output.write(summary + "\n")
        }
        return outcome.refused.first.map { ClientError.refused(status: $0.status, message: $0.message).exitCode } ?? 0
    }

    private func summary(_ outcome: VerbOutcome) -> String {
        var parts: [String] = []
        if outcome.changedCount > 0 { parts.append("\(done) \(Self.jobs(outcome.changed, outcome.changedCount))") }
        // A running job takes its time to end.
        if outcome.endingCount > 0 { parts.append("asked \(Self.jobs(outcome.ending, outcome.endingCount)) to end") }
        return parts.joined(separator: ", ")
    }

    private static func jobs(_ ids: String, _ count: Int) -> String {
        guard count > 1 else { return "job \(ids)" }
        return "\(count) jobs (\(ids.count > 60 ? ids.prefix(60) + "…" : ids))"
    }
}

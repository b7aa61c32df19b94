// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobsClient

/// `jobs hold`: keeps pending jobs from starting.
struct HoldCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold", abstract: "Keep pending jobs from starting.",
        discussion: "`jobs release` lets them go on.")

    @Flag(help: "Print each job as JSON, one a line.")
    var json = false

    @Argument(help: "Ids, ranges of ids, or names.")
    var jobs: [String]

    func perform(_ client: JobsClient) async throws -> Int32 {
        try await ChangeVerb(verb: "hold", done: "held", suits: { $0 == .pending }).perform(jobs, json: json, client)
    }
}

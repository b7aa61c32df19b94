// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobsClient

/// `jobs suspend`: freezes running jobs.
struct SuspendCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "suspend", abstract: "Freeze running jobs where they are.",
        discussion: "They keep their memory, and their wall time stands still; `jobs resume` thaws them.")

    @Flag(help: "Print each job as JSON, one a line.")
    var json = false

    @Argument(help: "Ids, ranges of ids, or names.")
    var jobs: [String]

    func perform(_ client: JobsClient) async throws -> Int32 {
        try await ChangeVerb(verb: "suspend", done: "suspended", suits: { $0 == .running }).perform(
            jobs, json: json, client)
    }
}

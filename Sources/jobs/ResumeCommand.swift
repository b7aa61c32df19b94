// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobsClient

/// `jobs resume`: thaws suspended jobs.
struct ResumeCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let suspended jobs go on.",
        discussion: "They go on where they stood.")

    @Flag(help: "Print each job as JSON, one a line.")
    var json = false

    @Argument(help: "Ids, ranges of ids, or names.")
    var jobs: [String]

    func perform(_ client: JobsClient) async throws -> Int32 {
        try await ChangeVerb(verb: "resume", done: "resumed", suits: { $0 == .suspended }).perform(
            jobs, json: json, client)
    }
}

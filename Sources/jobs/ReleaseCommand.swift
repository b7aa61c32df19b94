// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobsClient

/// `jobs release`: lets held jobs start.
struct ReleaseCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Let held jobs start.",
        discussion: "They start when it is their turn.")

    @Flag(help: "Print each job as JSON, one a line.")
    var json = false

    @Argument(help: "Ids, ranges of ids, or names.")
    var jobs: [String]

    func perform(_ client: JobsClient) async throws -> Int32 {
        try await ChangeVerb(verb: "release", done: "released", suits: { $0 == .held }).perform(
            jobs, json: json, client)
    }
}

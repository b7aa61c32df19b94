// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobsClient

/// `jobs release`: lets held jobs start.
struct ReleaseCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Let held jobs start.",
        discussion: """
            They start when it is their turn. A job that is held because it ran out of memory at its ceiling needs more of it: \
            --memory.
            """)

    @Option(help: ArgumentHelp("The memory limit of the next attempt.", valueName: "size"))
    var memory: Size?

    @Flag(help: "Print each job as JSON, one a line.")
    var json = false

    @Argument(help: "Ids, ranges of ids, or names.")
    var jobs: [String]

    func perform(_ client: JobsClient) async throws -> Int32 {
        try await ChangeVerb(
            verb: "release", done: "released", suits: { $0 == .held },
            body: memory.map { .object(["memory_bytes": .int($0.bytes)]) }
        ).perform(jobs, json: json, client)
    }
}

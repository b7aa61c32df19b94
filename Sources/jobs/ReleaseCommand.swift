// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobModel
import JobsClient

/// `jobs release`: lets held jobs start.
struct ReleaseCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Let held jobs start.",
        discussion: """
            They start when it is their turn. A job that is held because it ran out of memory at its ceiling needs more of it: \
            --memory.

            \(SelectionRule.textOfChanges)
            """)

    @Option(help: ArgumentHelp("The memory limit of the next attempt.", valueName: "size"))
    var memory: Size?

    @OptionGroup var arguments: ChangeArguments

    func perform(_ client: JobsClient) async throws -> Int32 {
        try await ChangeVerb(
            verb: "release", done: "released",
            body: memory.map { [.init(key: "memory_bytes", value: .int($0.bytes))] } ?? []
        ).perform(arguments, client)
    }
}

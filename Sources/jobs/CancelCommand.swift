// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobModel
import JobsClient

/// `jobs cancel`: ends jobs, or takes them out of the queue.
struct CancelCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "End jobs, or take them out of the queue.",
        discussion: """
            A running job gets SIGTERM, and SIGKILL if it does not end in time. Jobs that are named together are decided on \
            together: the end of one starts none of the others.

            \(SelectionRule.textOfChanges)
            """)

    @Flag(help: "SIGKILL at once.")
    var now = false

    @OptionGroup var arguments: ChangeArguments

    func perform(_ client: JobsClient) async throws -> Int32 {
        try await ChangeVerb(
            verb: "cancel", done: "cancelled", body: now ? [.init(key: "now", value: .bool(true))] : []
        )
        .perform(arguments, client)
    }
}

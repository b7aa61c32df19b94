// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobModel
import JobsClient

/// `jobs cancel`: ends jobs, or takes them out of the queue.
struct CancelCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "End jobs, or take them out of the queue.",
        discussion: """
            A running job gets SIGTERM, and SIGKILL if it does not end in time. Of a range or a name, jobs that have ended \
            already are passed over.
            """)

    @Flag(help: "SIGKILL at once.")
    var now = false

    @Flag(help: "Print each job as JSON, one a line.")
    var json = false

    @Argument(help: "Ids, ranges of ids, or names.")
    var jobs: [String]

    func perform(_ client: JobsClient) async throws -> Int32 {
        try await ChangeVerb(verb: "cancel", done: "cancelled", body: now ? .object(["now": .bool(true)]) : nil)
            .perform(jobs, json: json, client)
    }
}

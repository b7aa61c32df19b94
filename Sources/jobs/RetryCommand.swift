// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobsAPI
import JobsClient

/// `jobs retry`: queues jobs that ended for another attempt.
struct RetryCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Queue jobs that ended for another attempt.",
        discussion:
            "The same job under its id gets one more attempt. Of a range or an array's name, those that did not complete."
    )

    @Flag(help: "Print each job as JSON, one a line.")
    var json = false

    @Argument(help: "Ids, ranges of ids, or names.")
    var jobs: [String]

    func perform(_ client: JobsClient) async throws -> Int32 {
        try await ChangeVerb(verb: "retry", done: "requeued", scope: .newest, suits: { !$0.isLive && $0 != .completed })
            .perform(jobs, json: json, client)
    }
}

// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobsAPI
import JobsClient

/// `jobs retry`: queues jobs that ended for another attempt.
struct RetryCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Queue jobs that ended for another attempt.",
        discussion: """
            The same job under its id gets one more attempt. Of several jobs that a word selects, those that failed, ran out \
            of time or memory, or were lost; one that was cancelled or skipped has to be named itself, as has one that completed.

            \(SelectionRule.textOfChanges)
            """)

    @OptionGroup var arguments: ChangeArguments

    func perform(_ client: JobsClient) async throws -> Int32 {
        try await ChangeVerb(verb: "retry", done: "requeued").perform(arguments, client)
    }
}

// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobsClient

/// `jobs resume`: thaws suspended jobs.
struct ResumeCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let suspended jobs go on.",
        discussion: "They go on where they stood.\n\n" + SelectionRule.textOfChanges)

    @OptionGroup var arguments: ChangeArguments

    func perform(_ client: JobsClient) async throws -> Int32 {
        try await ChangeVerb(verb: "resume", done: "resumed").perform(arguments, client)
    }
}

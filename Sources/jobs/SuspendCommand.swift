// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobsClient

/// `jobs suspend`: freezes running jobs.
struct SuspendCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "suspend", abstract: "Freeze running jobs where they are.",
        discussion: "They keep their memory, and their wall time stands still; `jobs resume` thaws them.\n\n"
            + SelectionRule.textOfChanges)

    @OptionGroup var arguments: ChangeArguments

    func perform(_ client: JobsClient) async throws -> Int32 {
        try await ChangeVerb(verb: "suspend", done: "suspended").perform(arguments, client)
    }
}

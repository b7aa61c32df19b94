// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobsClient

/// `jobs hold`: keeps pending jobs from starting.
struct HoldCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold", abstract: "Keep pending jobs from starting.",
        discussion: "`jobs release` lets them go on.\n\n" + SelectionRule.textOfChanges)

    @OptionGroup var arguments: ChangeArguments

    func perform(_ client: JobsClient) async throws -> Int32 {
        try await ChangeVerb(verb: "hold", done: "held").perform(arguments, client)
    }
}

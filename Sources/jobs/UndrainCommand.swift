// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobsClient

/// `jobs undrain`: jobs start again.
struct UndrainCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "undrain", abstract: "Let jobs start again after a drain.")

    func perform(_ client: JobsClient) async throws -> Int32 {
        try await Drain.set(false, client)
        return 0
    }
}

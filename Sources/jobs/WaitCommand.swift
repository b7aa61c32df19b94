// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobsAPI
import JobsClient

/// `jobs wait`: until jobs have ended; exits as they did.
struct WaitCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Wait until jobs have ended, and exit as they did.",
        discussion: """
            The exit code is that of the job as in `jobs run`; of several, that of the first one, in the order given, that \
            did not complete. 69 if no jobsd runs, 1 if there is no such job. A jobsd that goes away, or has just gone, is waited for \
            up to a minute.

            \(SelectionRule.text)
            """)

    @Flag(help: "Wait for the first of them, print its id, and exit as it did.")
    var any = false

    @Flag(name: [.short, .long], help: "Print nothing about how they went.")
    var quiet = false

    @Argument(help: "Ids, ranges of ids, elements of arrays, or names.")
    var jobs: [String]

    func perform(_ client: JobsClient) async throws -> Int32 {
        let client = client.outlastingRestarts
        let ids = try await client.select(jobs).map(\.id)
        return try await JobWait(client: client, ids: ids, any: any, quiet: quiet).perform()
    }
}

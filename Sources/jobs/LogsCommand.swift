// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobModel
import JobsAPI
import JobsClient
import Linux

/// `jobs logs`: the output of a job.
struct LogsCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Print a job's output.",
        discussion: """
            Its standard output goes to standard output, its standard error to standard error; with --stdout or --stderr, \
            that one alone to standard output. Where the middle was dropped to keep to `limits.output`, a line says how much. Of \
            several jobs, one after the other in the order of their ids.

            \(SelectionRule.text)
            """)

    @Flag(name: [.short, .long], help: "Go on until the job has ended.")
    var follow = false

    @Flag(help: "Its standard output alone.")
    var stdout = false

    @Flag(help: "Its standard error alone, to standard output.")
    var stderr = false

    @Option(help: "Of this attempt, not of the last.")
    var attempt: Int?

    @Option(help: ArgumentHelp("No more than the last SIZE of it.", valueName: "size"))
    var tail: Size?

    @Argument(help: "An id, a range of ids, an element of an array, or a name.")
    var job: String

    func perform(_ client: JobsClient) async throws -> Int32 {
        let client = follow ? client.outlastingRestarts : client
        let selected = try await client.select([job])
        // One after the other, in their order: an array reads as one text.
        for job in selected { try await write(job, client) }
        return 0
    }

    private func write(_ job: JobView, _ client: JobsClient) async throws {
        if follow, attempt == nil, job.attempt == 0 { try await waitForStart(job.id, client) }
        if stdout || stderr {
            if stdout { try await copy(job.id, "stdout", to: .standardOutput, client) }
            if stderr { try await copy(job.id, "stderr", to: .standardOutput, client) }
            return
        }
        guard follow else {
            try await copy(job.id, "stdout", to: .standardOutput, client)
            try await copy(job.id, "stderr", to: .standardError, client)
            return
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await copy(job.id, "stdout", to: .standardOutput, client) }
            group.addTask { try await copy(job.id, "stderr", to: .standardError, client) }
            try await group.waitForAll()
        }
    }

    /// There is nothing to follow before it runs.
    private func waitForStart(_ id: Int, _ client: JobsClient) async throws {
        let job = try await client.waitForStart(of: id)
        if job.attempt == 0 {
            throw ClientError.refused(status: 404, message: "job \(id) never ran: \(job.message ?? job.state.rawValue)")
        }
    }

    private func copy(_ id: Int, _ stream: String, to descriptor: Descriptor, _ client: JobsClient) async throws {
        if follow {
            return try await client.followOutput(of: id, stream, attempt: attempt, tail: tail?.bytes) { bytes in
                Output.write(bytes, to: descriptor)
            }
        }
        var items: [String] = []
        if let attempt { items.append("attempt=\(attempt)") }
        if let tail { items.append("tail=\(tail.bytes)") }
        let query = items.isEmpty ? "" : "?" + items.joined(separator: "&")
        try await client.stream("/v1/jobs/\(id)/output/\(stream)" + query) { body in
            for try await bytes in body { Output.write(bytes, to: descriptor) }
        }
    }
}

/// A size as it is written on the command line: `64K`.
struct Size: ExpressibleByArgument, Sendable {
    var bytes: Int

    init?(argument: String) {
        guard let count = try? ByteCount(parsing: argument) else { return nil }
        bytes = count.bytes
    }
}

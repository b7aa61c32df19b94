// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobFile
import JobModel
import JobsAPI
import JobsClient

/// `jobs show`: the script or job file of a job, as it was submitted.
struct ShowCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print the script or job file of a job as it was submitted.",
        discussion: """
            Word for word, whatever has become of the file since; a command comes as a job file in JSON. Only for the job's \
            owner and root. Of an array, which has one text, it is printed once.

            \(SelectionRule.text)
            """)

    @Argument(help: "An id, an element of an array, or a name.")
    var job: String

    func perform(_ client: JobsClient) async throws -> Int32 {
        let selected = try await client.select([job])
        var arrays: Set<Int> = []
        for job in selected where job.arrayID.map({ arrays.insert($0).inserted }) ?? true {
            guard let source = try await client.account(of: job.id)["spec"].flatMap({ JobSource($0) }) else {
                throw ClientError.refused(
                    status: 403, message: "job \(job.id) belongs to \(job.owner), who alone may see its text")
            }
            Output.write(source.text.hasSuffix("\n") ? source.text : source.text + "\n")
        }
        return 0
    }
}

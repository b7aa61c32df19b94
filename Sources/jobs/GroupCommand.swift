// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobModel
import JobsAPI
import JobsClient
import JobsView

/// `jobs group`: how many jobs of a group may run at once.
struct GroupCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "group", abstract: "Show the groups, or set how many jobs of one run at once.",
        discussion: """
            A job is of the group that `submit --queue-group` names, else of `default`. The setting outlives jobsd; 0 lets \
            nothing of the group start. Only root may change the machine's groups.
            """)

    @Option(help: ArgumentHelp("So many at once, or `unlimited`.", valueName: "number"))
    var parallel: Parallel?

    @Flag(help: "Print the groups as JSON.")
    var json = false

    @Argument(help: "A group; all if left out.")
    var name: String?

    func validate() throws {
        if parallel != nil && name == nil { throw ValidationError("--parallel needs the name of a group") }
    }

    func perform(_ client: JobsClient) async throws -> Int32 {
        if let parallel, let name { try await client.setParallel(parallel.number, ofGroup: name) }
        let answer = try await client.get("/v1/daemon")
        if json {
            let all = answer["groups"]?.arrayValue ?? []
            Output.write(JSON.array(all.filter { name == nil || $0["name"]?.stringValue == name }))
            return 0
        }
        var groups = try DaemonView(json: answer).groups
        if let name {
            groups.removeAll { $0.name != name }
            if groups.isEmpty { groups = [.init(name: name, parallel: nil, running: 0, pending: 0)] }
        }
        Output.write(GroupTable(groups).text(Style.of(1)))
        return 0
    }

    /// A number of jobs, or no limit.
    struct Parallel: ExpressibleByArgument, Sendable {
        var number: Int?

        init?(argument: String) {
            guard argument != "unlimited" else { return }
            guard let number = Int(argument), number >= 0 else { return nil }
            self.number = number
        }
    }
}

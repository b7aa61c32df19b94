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
            A job is of the group that `submit --queue-group` names, else of `default`. A group that nobody has made by \
            --create or --parallel has no limit; `submit` says so, and with --strict on refuses it. The settings outlive jobsd; \
            0 lets nothing of the group start. Only root may change the machine's groups.
            """)

    @Option(help: ArgumentHelp("So many at once, or `unlimited`.", valueName: "number"))
    var parallel: Parallel?

    @Flag(help: "Make the group, without a limit if it has none.")
    var create = false

    @Option(help: ArgumentHelp("Whether jobs of groups that nobody has made are refused.", valueName: "on|off"))
    var strict: Switch?

    @Flag(help: "Print the groups as JSON.")
    var json = false

    @Argument(help: "A group; all if left out.")
    var name: String?

    func validate() throws {
        if parallel != nil && name == nil { throw ValidationError("--parallel needs the name of a group") }
        if create && name == nil { throw ValidationError("--create needs the name of a group") }
        if strict != nil && name != nil { throw ValidationError("--strict is about all groups; leave the name out") }
    }

    func perform(_ client: JobsClient) async throws -> Int32 {
        if let strict { try await client.put("/v1/groups", .object(["strict": .bool(strict.isOn)])) }
        if create, let name { try await client.createGroup(name) }
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

    struct Switch: ExpressibleByArgument, Sendable {
        var isOn: Bool

        init?(argument: String) {
            guard argument == "on" || argument == "off" else { return nil }
            isOn = argument == "on"
        }
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

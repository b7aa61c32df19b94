// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobsClient

/// `jobs drain`: nothing starts any more; what runs goes on.
struct DrainCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "Let nothing start any more; what runs goes on.",
        discussion:
            "Before a reboot or an upgrade: it holds until `jobs undrain`, also through restarts. Only root may drain the machine's daemon."
    )

    @Flag(help: "Let jobs start again, as `jobs undrain` does.")
    var off = false

    func perform(_ client: JobsClient) async throws -> Int32 {
        try await Drain.set(!off, client)
        return 0
    }
}

enum Drain {
    static func set(_ isOn: Bool, _ client: JobsClient) async throws(ClientError) {
        try await client.post(isOn ? "/v1/drain" : "/v1/undrain")
        Output.write(
            isOn
                ? "draining: nothing starts any more, what runs goes on; `jobs undrain` ends it\n"
                : "jobs start again\n")
    }
}

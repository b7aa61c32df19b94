// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Doctor
import Glibc
import Linux

/// `jobs doctor`: what of this machine jobs can use, and what to do about the rest.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check this machine and say what to change.",
        discussion: "Exit code 1 if anything is broken. Run it as the user who will run jobs, from the same shell.")

    @Flag(help: "Print the findings as JSON.")
    var json = false

    func run() throws {
        let report = Report(Facts.gather(environment: currentEnvironment()))
        if json {
            print(report.json.text(pretty: true))
        } else {
            let isTerminal = Terminal.isTerminal(1)
            let width = isTerminal ? Terminal.size(of: 1).map { Int($0.columns) } : nil
            print(
                Table(report, colour: isTerminal && getenv("NO_COLOR") == nil, width: width).text, terminator: "")
        }
        if report.exitCode != 0 { throw ExitCode(report.exitCode) }
    }
}

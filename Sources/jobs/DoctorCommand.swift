// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Doctor
import Glibc
import JobModel
import Linux

/// `jobs doctor`: what of this machine jobs can use, and what to do about the rest.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check this machine and say what to change.",
        discussion: """
            Exit code 1 if anything is broken. Run it as the user who will run jobs, from the same shell. --fix does what \
            the findings propose, each step printed first; what takes a reboot, an editor or a decision it only tells.
            """)

    @Flag(help: "Print the findings as JSON.")
    var json = false

    @Flag(help: "Do what the findings propose.")
    var fix = false

    @Flag(name: .customLong("dry-run"), help: "Print the steps of --fix, and do nothing.")
    var dryRun = false

    func validate() throws {
        if json, fix || dryRun {
            throw ValidationError("--json prints findings, each with its `fix`; it goes without --fix")
        }
    }

    func run() throws {
        var report = gather()
        if json {
            print(report.json.text(pretty: true))
        } else if fix || dryRun {
            let failures = repair(report)
            if fix, !dryRun { report = gather() }
            print(table(report, onlyProblems: true), terminator: "")
            if failures > 0 { throw ExitCode(1) }
        } else {
            print(table(report), terminator: "")
        }
        if report.exitCode != 0 { throw ExitCode(report.exitCode) }
    }

    private func gather() -> Report { Report(Facts.gather(environment: OwnEnvironment().variables)) }

    private func table(_ report: Report, onlyProblems: Bool = false) -> String {
        let isTerminal = Terminal.isTerminal(1)
        let width = isTerminal ? Terminal.size(of: 1).map { Int($0.columns) } : nil
        return Table(
            report, colour: isTerminal && getenv("NO_COLOR") == nil, width: width, onlyProblems: onlyProblems
        ).text
    }

    private func repair(_ report: Report) -> Int {
        let repair = Repair(report)
        if repair.isEmpty { print("There is nothing that jobs doctor could do by itself.") }
        let run: ((String) -> Int32)? = dryRun ? nil : { shell($0) }
        // At once: a step's own output comes between ours.
        let failures = repair.perform(print: { (line: String) in Output.write(line + "\n") }, run: run)
        if !repair.isEmpty { print("") }
        return failures
    }

    /// See `system(3)`: Ctrl-C reaches the step, not us.
    private func shell(_ command: String) -> Int32 {
        let status = system(command)
        return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
    }
}

// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// The command line. Each verb is a file of its own.
@main
struct Jobs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: "Runs batch work under limits that the kernel enforces, and accounts for it truthfully.",
        discussion: """
            In a shell, `jobs` alone may run the shell's builtin of that name: use `jobsctl`, which is the same program.
            """,
        version: "jobs \(jobsVersion)",
        subcommands: [RunCommand.self, ValidateCommand.self, DoctorCommand.self])
}

let jobsVersion = "0.1.0"

// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc

/// Where the program starts.
@main
enum Main {
    static func main() {
        let words = CommandLine.arguments.dropFirst()
        // `run` reads its words itself; on the way through ArgumentParser they would take a millisecond.
        if words.first == "run" { exit(RunCommand.perform(Array(words.dropFirst()))) }
        Jobs.main()
    }
}

/// The command line. Each verb is a file of its own.
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

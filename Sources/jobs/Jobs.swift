// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc
import Linux

/// Where the program starts.
@main
enum Main {
    static func main() {
        if let problem = ProgramStart.problem() {
            complain(problem)
            exit(125)
        }
        refuseForeignBytes()
        let words = CommandLine.arguments.dropFirst()
        // `run` and `submit` read their words themselves; on the way through ArgumentParser they would take a millisecond.
        switch words.first {
        case "run": exit(RunCommand.perform(Array(words.dropFirst())))
        case "submit": exit(SubmitCommand.perform(Array(words.dropFirst())))
        case "help" where words.count == 2 && ["run", "submit"].contains(words.last): help(of: words.last ?? "")
        default: Jobs.main()
        }
    }
}

/// ArgumentParser knows nothing of their flags.
private func help(of verb: String) -> Never {
    exit(verb == "run" ? RunCommand.perform(["--help"]) : SubmitCommand.perform(["--help"]))
}

/// What is not UTF-8 would reach the job as something else: `rm` of a name in Latin-1 would be that of another file.
private func refuseForeignBytes() {
    for index in 1..<max(1, Int(CommandLine.argc)) {
        guard let word = CommandLine.unsafeArgv[index], String(validatingCString: word) == nil else { continue }
        complain(
            "argument \(index), '\(String(cString: word))', is not UTF-8; put it into a script, or use a pattern for the name"
        )
        exit(64)
    }
}

/// The command line. Each verb is a file of its own.
struct Jobs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: "Runs batch work under limits that the kernel enforces, and accounts for it truthfully.",
        discussion: """
            In a shell, `jobs` alone may run the shell's builtin of that name: use `jobsctl`, which is the same program, \
            or let `jobs shell-init` tell the two apart.

            Exit codes: 0 done, 1 not possible as things stand, 64 bad usage, 65 bad job, 69 no jobsd, 75 not now, \
            77 not yours; `run`, `wait` and `submit --wait` exit as the job did.
            """,
        version: "jobs \(jobsVersion)",
        groupedSubcommands: [
            CommandGroup(name: "Jobs:", subcommands: [RunCommand.self, SubmitCommand.self, ValidateCommand.self]),
            CommandGroup(
                name: "Looking:",
                subcommands: [
                    StatusCommand.self, LogsCommand.self, ShowCommand.self, WaitCommand.self, HistoryCommand.self,
                ]),
            CommandGroup(
                name: "Changing:",
                subcommands: [
                    CancelCommand.self, HoldCommand.self, ReleaseCommand.self, SuspendCommand.self, ResumeCommand.self,
                    RetryCommand.self,
                ]),
            CommandGroup(
                name: "This machine:",
                subcommands: [
                    GroupCommand.self, DrainCommand.self, UndrainCommand.self, DoctorCommand.self,
                    ShellInitCommand.self,
                ]),
        ])
}

let jobsVersion = "0.1.0"

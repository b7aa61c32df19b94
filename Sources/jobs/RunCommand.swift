// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc
import JobFile
import JobModel

/// `jobs run`: one attempt in the foreground, no daemon.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a job in the foreground and account for it.",
        usage: "jobs run [LIMITS] [--report FILE] [--tty] NAME | FILE | -- COMMAND…")

    static let ownFlags: [JobArguments.OwnFlag] = [
        .init(
            "--report", placeholder: "FILE", "write the JSON record to FILE; - is standard output, after the job's own"),
        .init("--tty", short: "-t", "give the job a terminal of its own, for programs that want one"),
        .init("--allow-unenforced", "run although a limit cannot be enforced here; the record says which"),
        .fromSlurm,
        .init("--quiet", short: "-q", "no summary at the end"),
        .help,
    ]

    @Argument(parsing: .captureForPassthrough)
    var words: [String] = []

    func run() throws { throw ExitCode(Self.perform(words)) }

    /// - Returns: the exit code of DESIGN 4.2.
    static func perform(_ words: [String]) -> Int32 {
        do {
            var arguments = try JobArguments(words, own: ownFlags)
            if arguments.help {
                print(help)
                return 0
            }
            arguments.heedForeignWords(own: ownFlags)
            return ForegroundRun(arguments: arguments, spec: try arguments.spec()).run()
        } catch { return refuse(error, verb: "run") }
    }

    private static var help: String {
        JobHelp(
            verb: "run", abstract: "Run a job in the foreground and account for it.", own: ownFlags,
            ending: [
                "The exit code is the job's own; 128+n after signal n, 137 out of memory, 124 out of time, 125 if it could "
                    + "not be run, 126/127 if the command cannot be executed/found, 130/143 interrupted/terminated, 64 bad "
                    + "usage, 65 bad job file, 74 if all went well but the record could not be written.",
                "Ctrl-C ends the job as its time limits do: SIGTERM, and SIGKILL after its grace period; a second Ctrl-C "
                    + "kills at once. With --tty it is a key of the job's terminal. Under nohup a hang-up is ignored.",
            ]
        ).text(sections: [nil, "limits", "isolation"])
    }

    /// Says what is wrong with a request for a job; 65 if it is the job file, else 64.
    static func refuse(_ error: any Error, verb: String) -> Int32 {
        if let error = error as? JobFileError {
            complain(error.description)
            if error.kind == .notFound { complain("a command goes behind `--`: jobs \(verb) -- COMMAND…") }
            return error.kind == .invalid ? 65 : 64
        }
        complain("\(error)\n`jobs \(verb) --help` lists what it takes")
        return 64
    }
}

extension JobArguments {
    var report: String? { value(of: "--report") }
    var terminal: Bool { has("--tty") }
    var allowUnenforced: Bool { has("--allow-unenforced") }
    var quiet: Bool { has("--quiet") }
}

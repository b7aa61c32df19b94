// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc
import JobFile
import JobModel
import Linux
import Supervisor
import SystemPackage

/// `jobs run`: one attempt in the foreground, no daemon.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a job in the foreground and account for it.",
        usage: "jobs run [LIMITS] [--report FILE] [--tty] NAME | FILE | -- COMMAND…")

    @Argument(parsing: .captureForPassthrough)
    var words: [String] = []

    func run() throws {
        let arguments: RunArguments
        let spec: JobSpec
        do {
            arguments = try RunArguments(words)
            if arguments.help {
                print(RunHelp.text)
                return
            }
            spec = try arguments.spec()
        } catch let error as RunArguments.UsageError {
            complain(error.description + "\n`jobs run --help` lists what it takes")
            throw ExitCode(64)
        } catch let error as JobFileError {
            complain(error.description)
            throw ExitCode(error.kind == .invalid ? 65 : 64)
        }
        throw ExitCode(try ForegroundRun(arguments: arguments, spec: spec).run())
    }
}

/// Writes a message for people to standard error, after our name.
func complain(_ message: String) {
    try? Descriptor.standardError.write("jobs: \(message)\n")
}

extension Descriptor {
    /// Standard error, which stays open: a reference that is never dropped.
    static let standardError = Descriptor(2)
    static let standardOutput = Descriptor(1)
}

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

    func run() throws { throw ExitCode(Self.perform(words)) }

    /// - Returns: the exit code of DESIGN 4.2.
    static func perform(_ words: [String]) -> Int32 {
        do {
            let arguments = try RunArguments(words)
            if arguments.help {
                print(RunHelp.text)
                return 0
            }
            return ForegroundRun(arguments: arguments, spec: try arguments.spec()).run()
        } catch let error as JobFileError {
            complain(error.description)
            return error.kind == .invalid ? 65 : 64
        } catch {
            complain("\(error)\n`jobs run --help` lists what it takes")
            return 64
        }
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

// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobFile
import JobsAPI
import JobsClient
import Linux
import Synchronization

/// `jobs shell-init`: lets a shell's `jobs` be ours and its own, and completes our words.
struct ShellInitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shell-init", abstract: "Print what makes `jobs` work in a shell that has a builtin of that name.",
        discussion: """
            Our subcommands go to this program, everything else (jobs, jobs -l, jobs %1) to the shell's builtin.

            bash   ~/.bashrc                    eval "$(jobsctl shell-init bash)"
            zsh    ~/.zshrc, after compinit     eval "$(jobsctl shell-init zsh)"
            fish   ~/.config/fish/config.fish   jobsctl shell-init fish | source
            dash   the file that ENV names      eval "$(jobsctl shell-init dash)"
            """)

    /// What the completions ask for while somebody types.
    enum Words: String, ExpressibleByArgument {
        case files, jobs
    }

    @Option(help: .hidden)
    var words: Words?

    @Argument(help: "bash, dash, zsh or fish.")
    var shell: Shell?

    func validate() throws {
        if shell == nil, words == nil { throw ValidationError("name your shell: bash, dash, zsh or fish") }
    }

    func run() throws {
        if let words {
            for word in Self.list(words) { Output.write(word + "\n") }
        } else if let shell {
            let program = (try? Files.readLink("/proc/self/exe")) ?? "/usr/bin/jobs"
            Output.write(ShellScript(program: program, shell: shell).text)
        }
    }

    private static func list(_ words: Words) -> [String] {
        switch words {
        case .files: return JobFile.names()
        case .jobs:
            // Nobody to ask, nothing to offer: a completion prints no errors.
            guard let locations = try? Locations.current() else { return [] }
            let found = Mutex<[String]>([])
            _ = DaemonCall.wait {
                var query = JobQuery()
                query.limit = 100
                let jobs = (try? await JobsClient.find(locations).jobs(query)) ?? []
                let names = Set(jobs.map(\.name)).sorted()
                found.withLock { $0 = jobs.map { "\($0.id)" } + names }
                return 0
            }
            return found.withLock { $0 }
        }
    }
}

enum Shell: String, ExpressibleByArgument, CaseIterable {
    case bash, dash, zsh, fish

    init?(argument: String) {
        // What an init file may know of its shell: `$SHELL`, `$0`.
        let name = argument.split(separator: "/").last.map(String.init) ?? argument
        self.init(rawValue: ["sh": "dash", "ksh": "dash"][name] ?? name)
    }
}

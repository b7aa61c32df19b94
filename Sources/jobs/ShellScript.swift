// SPDX-License-Identifier: Apache-2.0

/// What a shell evaluates at its start.
struct ShellScript {
    let program: String
    let shell: Shell

    var text: String {
        let completions = ShellCompletions(program: quoted(program))
        return switch shell {
        // dash has no completions, and `command` there runs the builtin, past this function.
        case .dash: function(builtin: "command jobs")
        case .bash: function(builtin: "builtin jobs") + completions.bash
        case .zsh: function(builtin: "builtin jobs") + completions.zsh
        case .fish: fishFunction + completions.fish
        }
    }

    private func function(builtin: String) -> String {
        """
        # Our subcommands go to the program, the rest (jobs, jobs -l, jobs %1) to the shell's builtin.
        unalias jobs 2>/dev/null || :
        jobs() {
            case "${1-}" in
            \(ShellCompletions.verbs.map(\.name).joined(separator: " | ")))
                \(quoted(program)) "$@" ;;
            *) \(builtin) "$@" ;;
            esac
        }

        """
    }

    private var fishFunction: String {
        """
        # Our subcommands go to the program, the rest (jobs, jobs -l, jobs %1) to the shell's builtin.
        function jobs
            switch "$argv[1]"
                case \(ShellCompletions.verbs.map(\.name).joined(separator: " "))
                    \(quoted(program)) $argv
                case '*'
                    builtin jobs $argv
            end
        end

        """
    }

    private func quoted(_ text: String) -> String {
        shell == .fish ? ShellCompletions.fishQuoted(text) : ShellCompletions.quoted(text)
    }
}

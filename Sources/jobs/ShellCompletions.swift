// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobFile

/// Completions, made from the verbs, their help and the list of settings.
struct ShellCompletions {
    /// Quoted for the shell.
    let program: String

    struct Verb {
        var name: String
        var abstract: String
        var flags: [(name: String, takesValue: Bool, documentation: String)]
    }

    static let verbs: [Verb] = {
        Jobs.configuration.subcommands.map { command in
            let name = command.configuration.commandName ?? ""
            return Verb(name: name, abstract: command.configuration.abstract, flags: flags(of: command))
        } + [Verb(name: "help", abstract: "Show what a verb takes.", flags: [])]
    }()

    private static func flags(of command: any ParsableCommand.Type) -> [(String, Bool, String)] {
        switch command.configuration.commandName {
        case "run": flags(RunCommand.ownFlags, sections: [nil, "limits", "isolation"])
        case "submit": flags(SubmitCommand.ownFlags, sections: [nil, "limits", "isolation", "queue"])
        default: flags(help: command.helpMessage(columns: 200))
        }
    }

    private static func flags(_ own: [JobArguments.OwnFlag], sections: [String?]) -> [(String, Bool, String)] {
        own.map { ($0.flag, $0.placeholder != nil, $0.documentation) }
            + Settings.all.filter { sections.contains($0.section) }.compactMap { setting in
                setting.usage.map { usage in
                    (String(usage.prefix { $0 != " " }), !setting.isSwitch, setting.documentation)
                }
            }
    }

    /// ArgumentParser tells its flags in the help text alone: `  -a, --all   Every job …`.
    private static func flags(help: String) -> [(String, Bool, String)] {
        help.split(separator: "\n").compactMap { line in
            let text = line.drop { $0 == " " }
            guard text.hasPrefix("-"), line.hasPrefix("  ") else { return nil }
            let words = text.split(separator: " ", omittingEmptySubsequences: true)
            guard let place = words.firstIndex(where: { $0.hasPrefix("--") }) else { return nil }
            let takesValue = words.indices.contains(place + 1) && words[place + 1].hasPrefix("<")
            let documentation = words.dropFirst(place + (takesValue ? 2 : 1)).joined(separator: " ")
            return (String(words[place]), takesValue, documentation)
        }
    }

    static func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    static func fishQuoted(_ text: String) -> String {
        "'" + String(text.flatMap { $0 == "'" || $0 == "\\" ? ["\\", $0] : [$0] }) + "'"
    }

    /// Verbs by what may follow them.
    private static let ofFiles = ["run", "submit", "validate"]
    private static let ofJobs = [
        "status", "logs", "show", "wait", "cancel", "hold", "release", "suspend", "resume", "retry",
    ]

    var bash: String {
        let flags = Self.verbs.map { verb in
            "    \(verb.name)) flags=\(Self.quoted(verb.flags.map(\.name).joined(separator: " "))) ;;"
        }
        return """

            _jobs() {
                local cur=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]-} flags= word
                COMPREPLY=()
                if [ "$COMP_CWORD" -eq 1 ]; then
                    COMPREPLY=($(compgen -W \(Self.quoted(Self.verbs.map(\.name).joined(separator: " "))) -- "$cur"))
                    return
                fi
                for word in "${COMP_WORDS[@]:2:COMP_CWORD-2}"; do
                    # What follows is a command, and not ours to know.
                    if [ "$word" = -- ]; then
                        [ "${COMP_WORDS[COMP_CWORD-1]}" != -- ] || COMPREPLY=($(compgen -c -- "$cur"))
                        return
                    fi
                done
                case $verb in
            \(flags.joined(separator: "\n"))
                esac
                case $cur in
                -*) COMPREPLY=($(compgen -W "$flags" -- "$cur")) ;;
                *)
                    case $verb in
                    \(Self.ofFiles.joined(separator: " | "))) flags=$(\(program) shell-init --words files 2>/dev/null) ;;
                    \(Self.ofJobs.joined(separator: " | "))) flags=$(\(program) shell-init --words jobs 2>/dev/null) ;;
                    shell-init) flags='bash dash zsh fish' ;;
                    *) flags= ;;
                    esac
                    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
                    ;;
                esac
            }
            # Where we know no word, files are completed.
            complete -o default -F _jobs jobs jobsctl

            """
    }

    var zsh: String {
        func described(_ name: String, _ text: String) -> String {
            Self.quoted(name.replacing(":", with: "\\:") + ":" + text)
        }
        let verbs = Self.verbs.map { described($0.name, $0.abstract) }.joined(separator: " ")
        let flags = Self.verbs.map { verb in
            "    \(verb.name)) flags=(\(verb.flags.map { described($0.name, $0.documentation) }.joined(separator: " "))) ;;"
        }
        return """

            _jobs() {
                local -a verbs flags found
                if (( CURRENT == 2 )); then
                    verbs=(\(verbs))
                    _describe -t commands verb verbs
                    return
                fi
                if (( ${words[(I)--]} > 2 && ${words[(I)--]} < CURRENT )); then
                    _normal -p jobs 2>/dev/null || _files
                    return
                fi
                if [[ $PREFIX == -* ]]; then
                    case $words[2] in
            \(flags.joined(separator: "\n"))
                    esac
                    _describe -t options option flags
                    return
                fi
                case $words[2] in
                \(Self.ofFiles.joined(separator: "|")))
                    found=(${(f)"$(\(program) shell-init --words files 2>/dev/null)"})
                    compadd -a found
                    _files
                    ;;
                \(Self.ofJobs.joined(separator: "|")))
                    found=(${(f)"$(\(program) shell-init --words jobs 2>/dev/null)"})
                    compadd -a found
                    ;;
                shell-init) compadd bash dash zsh fish ;;
                esac
            }
            if (( $+functions[compdef] )); then compdef _jobs jobs jobsctl; fi

            """
    }

    var fish: String {
        var lines = ["complete -c jobs -f", "complete -c jobsctl -w jobs"]
        for verb in Self.verbs {
            lines.append(
                "complete -c jobs -n __fish_use_subcommand -a \(verb.name) -d \(Self.fishQuoted(verb.abstract))")
            for flag in verb.flags {
                let value = flag.takesValue ? " -r" : ""
                lines.append(
                    "complete -c jobs -n '__fish_seen_subcommand_from \(verb.name)' -l \(flag.name.dropFirst(2))\(value) -d \(Self.fishQuoted(flag.documentation))"
                )
            }
        }
        let files = "(\(program) shell-init --words files 2>/dev/null)"
        let jobs = "(\(program) shell-init --words jobs 2>/dev/null)"
        lines += [
            "complete -c jobs -n '__fish_seen_subcommand_from \(Self.ofFiles.joined(separator: " "))' -F -a \(Self.fishQuoted(files))",
            "complete -c jobs -n '__fish_seen_subcommand_from \(Self.ofJobs.joined(separator: " "))' -a \(Self.fishQuoted(jobs))",
            "complete -c jobs -n '__fish_seen_subcommand_from shell-init' -a 'bash dash zsh fish'",
        ]
        return lines.joined(separator: "\n") + "\n"
    }
}

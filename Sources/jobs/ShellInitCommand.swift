// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

struct ShellInitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "shell-init", abstract: "TODO")
}

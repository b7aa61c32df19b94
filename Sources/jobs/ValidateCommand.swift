// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import JobFile
import JobModel
import Linux

/// `jobs validate`: checks job files without running them.
struct ValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check job files without running them.",
        discussion: "Exit code 65 if any file has a mistake. --schema prints the JSON Schema for editors.")

    @Flag(help: "Print the JSON Schema of job files.")
    var schema = false

    @Argument(help: "Names or files.")
    var files: [String] = []

    func run() throws {
        if schema {
            print(JobFile.schema.text(pretty: true))
            return
        }
        guard !files.isEmpty else {
            complain("nothing to check: name one or more job files")
            throw ExitCode(64)
        }
        var failed = false
        for file in files {
            do throws(JobFileError) {
                let spec = try JobFile.load(path: JobFile.find(file))
                print("\(file.printable): ok, job '\(spec.name.printable)'")
            } catch {
                try? Descriptor.standardError.write(error.description.printableLines + "\n")
                failed = true
            }
        }
        if failed { throw ExitCode(65) }
    }
}

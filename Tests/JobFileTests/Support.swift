// SPDX-License-Identifier: Apache-2.0

import Foundation
@testable import JobFile
import JobModel
import Testing

/// The repository, from this file's own place in it.
let repository = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

func yaml(_ text: String) throws -> JobSpec { try JobFile.parse(yaml: text, file: "x.yaml") }

/// What the parser says about `text`; empty if it accepts it.
func complaints(yaml text: String) -> String {
    do throws(JobFileError) { _ = try JobFile.parse(yaml: text, file: "x.yaml") } catch { return error.description }
    return ""
}

func complaints(script text: String) -> String {
    do throws(JobFileError) { _ = try JobFile.parse(script: text, file: "x.sh") } catch { return error.description }
    return ""
}

/// What a flag says about its value; empty if it accepts it.
func complaint(flag: String, _ value: String?) -> String {
    var spec = JobSpec(name: "x")
    do throws(Problem) { try Settings.apply(flag: flag, value: value, to: &spec) } catch { return error.description }
    return ""
}

func applying(_ flags: (String, String?)...) throws -> JobSpec {
    var spec = JobSpec(name: "x")
    for (flag, value) in flags { try Settings.apply(flag: flag, value: value, to: &spec) }
    return spec
}

/// A job file with a setting's example, and whatever that needs to make sense.
func document(with setting: Setting) -> String {
    let key = "\(setting.key): \(setting.example)"
    let command = ["command", "script"].contains(setting.key) ? "" : "command: a\n"
    let limit = "limits: {memory: 1G}\n"
    let needs = ["swap": "  memory: 1G\n", "oom-max": "  oom-factor: 2\n"][setting.key] ?? ""
    return command + (setting.key.hasPrefix("oom-") ? limit : "")
        + (setting.section.map { "\($0):\n\(needs)  \(key)\n" } ?? "\(key)\n")
}

func read(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

func write(_ text: String, to path: String, mode: mode_t = 0o644) {
    do {
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        chmod(path, mode)
    } catch {
        Issue.record(error)
    }
}

/// A directory that is gone when the body ends.
func withTemporaryDirectory<T>(_ body: (String) throws -> T) throws -> T {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("jobfile-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder.path)
}

// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Foundation
import JobModel
import Supervisor

// Swift Testing has one, too.
typealias ExitStatus = JobModel.ExitStatus

/// The evidence of an attempt called `run-7-99` with a limit of 100 M, changed by `change`.
func evidence(exit: ExitStatus? = ExitStatus(code: 0), _ change: (inout Evidence) -> Void = { _ in }) -> Evidence {
    var evidence = Evidence()
    evidence.cgroupName = "run-7-99"
    evidence.memoryPath = "/sys/fs/cgroup/jobs/run-7-99"
    evidence.memoryMount = "/sys/fs/cgroup"
    evidence.exit = exit
    evidence.hasStarted = true
    evidence.limits.memoryBytes = 100 << 20
    evidence.limits.wallTimeUsec = 30_000_000
    evidence.limits.cpuTimeUsec = 10_000_000
    change(&evidence)
    return evidence
}

/// A directory of files that is gone when the body ends.
func withFiles<T>(_ files: [String: String], _ body: (String) throws -> T) throws -> T {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("supervisor-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files {
        let file = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: file, atomically: false, encoding: .utf8)
    }
    return try body(folder.path)
}

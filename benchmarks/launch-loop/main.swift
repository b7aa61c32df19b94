// SPDX-License-Identifier: Apache-2.0
// Our supervisor, as the daemon would use it: one process that runs the same small job many times.
//
//   launch-loop JOBS-INIT JOBS    prints the microseconds of each job, from its order to its record
import Cgroups
import Glibc
import JobModel
import Linux
import Supervisor
import SystemPackage

let words = CommandLine.arguments
guard words.count == 3, let jobs = Int(words[2]), jobs > 0 else {
    fail("usage: launch-loop JOBS-INIT JOBS", 64)
}

/// Runs the jobs; each of them must do what a job of a user would.
func measure() throws -> [Double] {
    let loop = try EventLoop()
    let root = try Workplace.prepare()
    defer { root.removeIfEmpty() }
    let supervisor = Supervisor(root: root, loop: loop, initPath: words[1])
    let null = try Descriptor.open("/dev/null", O_RDWR)

    var spec = JobSpec(name: "true", command: .arguments(["/bin/true"]))
    spec.limits.memory = ByteCount(100 * 1024 * 1024)
    spec.limits.pids = 64
    // A user's shell brings an environment of this size; an empty one would flatter us.
    let environment = Dictionary(uniqueKeysWithValues: (0..<30).map { ("VARIABLE_\($0)", "a value of usual length") })

    return try (1...jobs).map { number in
        let request = Supervisor.Request(
            spec: spec, identity: JobIdentity(id: number, name: spec.name, attempt: 1, owner: "bench"),
            environment: environment, directory: "/",
            standardIO: [null.rawValue, null.rawValue, null.rawValue])
        let start = now()
        var record: Record?
        let attempt = try supervisor.start(request) { ended in
            record = ended
            loop.stop()
        }
        if record == nil { try loop.run() }
        let end = now()
        withExtendedLifetime(attempt) {}
        // A job that failed would be fast for the wrong reason.
        guard record?.verdict.state == .completed, record?.limits.memoryBytes == spec.limits.memory?.bytes else {
            fail("launch-loop: job \(number): \(record?.verdict.message ?? "no record")", 1)
        }
        return end - start
    }
}

/// `CLOCK_MONOTONIC` in microseconds, with a fraction.
func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
}

func fail(_ message: String, _ code: CInt) -> Never {
    try? Descriptor(2).write(message + "\n")
    exit(code)
}

do {
    for usec in try measure() { print(usec) }
} catch {
    fail("launch-loop: \(error)", 1)
}

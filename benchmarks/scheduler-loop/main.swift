// SPDX-License-Identifier: Apache-2.0
// What benchmarks/scale measures of the scheduler alone: a queue of so many jobs is filled, worked off and asked.
// usage: scheduler-loop JOBS KINDS. Prints "PHASE NANOSECONDS-PER-JOB" for each phase, and "bytes N" of each queued job.
import Glibc
import JobModel
import Linux
import Scheduler

guard CommandLine.arguments.count == 3, let jobs = Int(CommandLine.arguments[1]), jobs > 0,
    let kinds = Int(CommandLine.arguments[2]), kinds > 0
else {
    try? Descriptor.standardError.write("usage: scheduler-loop JOBS KINDS\n")
    exit(64)
}

/// Anonymous memory of this process in bytes. See `proc_pid_status(5)`.
func anonymousBytes() -> Int {
    let status = (try? Files.read("/proc/self/status")) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") } ?? ""
    return (line.split(whereSeparator: { $0 == " " || $0 == "\t" }).compactMap { Int($0) }.first ?? 0) * 1024
}

func measure(_ phase: String, of count: Int, _ body: () -> Void) {
    let start = Clock.monotonicMicroseconds
    body()
    let usec = Clock.monotonicMicroseconds - start
    print(phase, usec * 1000 / max(1, count))
}

/// A tenth waits for an earlier job, a tenth for a moment, a tenth is in a group of two.
func entry(_ id: Int) -> Entry {
    var entry = Entry(id: id)
    entry.priority = id % 7
    entry.request = Resources(memoryBytes: (id % kinds + 1) << 12, milliCPUs: 1000)
    switch id % 10 {
    case 0 where id > 10: entry.dependencies = [[.init(.any, id - 10)]]
    case 1: entry.begin = 1000 + id
    case 2: entry.group = "two"
    default: break
    }
    return entry
}

let capacity = Resources(memoryBytes: 1 << 40, milliCPUs: 2000)
var scheduler = Scheduler(capacity: capacity, groups: ["two": 2])
scheduler.isDraining = true
let before = anonymousBytes()
measure("submit", of: jobs) { for id in 1...jobs { scheduler.submit(entry(id)) { _ in Endings() } } }
print("bytes", max(0, anonymousBytes() - before) / jobs)

let asked = min(jobs, 10_000)
measure("reason", of: asked) { for id in 1...asked { _ = scheduler.reason(for: id, now: 0) } }
measure("hold", of: asked) {
    for id in 1...asked {
        scheduler.hold(id)
        scheduler.release(id)
    }
}

// Worked off two at a time, as on two CPUs: each end lets the next one start.
scheduler.isDraining = false
var running: [Int] = []
var done = 0
measure("dispatch", of: jobs) {
    while done < jobs {
        for decision in scheduler.decide(now: 1000 + jobs) {
            if case .start(let id) = decision { running.append(id) } else { done += 1 }
        }
        guard let id = running.popLast() else { break }
        scheduler.ended(id, as: .completed)
        done += 1
    }
}
if done != jobs {
    try? Descriptor.standardError.write("scheduler-loop: \(done) of \(jobs) jobs came through\n")
    exit(1)
}

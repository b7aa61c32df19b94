// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import Queue
import Scheduler
import Testing

@Suite struct SchedulerEntryTests {
    @Test func `a row becomes what the scheduler counts`() {
        var job = pending(7)
        job.state = .held
        job.priority = 5
        job.group = "gpus"
        job.begin = noon
        job.memoryRequestBytes = 4096
        job.array = .init(id: 6, index: 1, parallel: 3)
        let entry = Entry(job)
        #expect(entry.id == 7 && entry.priority == 5 && entry.group == "gpus" && entry.held)
        #expect(entry.begin == noon.microsecondsSinceEpoch)
        #expect(entry.request == Resources(memoryBytes: 4096, milliCPUs: 1000))
        #expect(entry.array == .init(id: 6, parallel: 3))
        job.array?.parallel = nil
        #expect(Entry(job).array == nil)
    }

    @Test func `ranges of a damaged row can be counted all the same`() {
        var job = pending(7)
        let terms: [Dependency.Term] = [
            .init(.ok, .id(3)), .init(.any, .range(5, 4)), .init(.failed, .range(.min, .max)), .init(.ok, .name("x")),
        ]
        job.dependency = Dependency([terms])
        let jobs = Entry(job).dependencies.map { $0.map(\.jobs) }
        #expect(jobs == [[3...3, 5...5, 1...(1 << 53)]])
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import Scheduler

extension Resources {
    /// The amounts that admission counts for a job; a job that names no CPUs counts as one.
    package init(of job: StoredJob) {
        self.init(memoryBytes: job.memoryRequestBytes ?? 0, milliCPUs: job.cpusRequest?.milli ?? 1000)
    }
}

extension Entry {
    /// A stored job as the scheduler knows it.
    package init(_ job: StoredJob) {
        self.init(id: job.id)
        priority = job.priority
        request = Resources(of: job)
        group = job.group
        begin = job.begin?.microsecondsSinceEpoch
        wallTimeUsec = job.wallTimeLimitUsec
        held = job.state == .held
        array = job.array.flatMap { array in array.parallel.map { ArrayLimit(id: array.id, parallel: $0) } }
        dependencies = (job.dependency?.alternatives ?? []).map { terms in
            terms.compactMap { term in
                switch term.target {
                case .id(let id): Term(term.condition, id)
                case .range(let first, let last):
                    // However a damaged row has it, it can be counted.
                    Term(term.condition, (first...max(first, last)).clamped(to: 1...(1 << 53)))
                case .element, .name: nil
                }
            }
        }
    }
}

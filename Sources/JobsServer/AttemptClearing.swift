// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Dispatch
import Logging
import Supervisor

/// Takes away what is left of ended attempts whose end is on disk.
///
/// On a thread of its own, because a cgroup may take a while to go and nothing waits for it; what it does not get done, the
/// next daemon does.
final class AttemptClearing {
    private let queue = DispatchQueue(label: "jobsd.clearing")
    private let log: Logger
    private var waiting: [(job: Int, remains: Remains)] = []

    init(log: Logger) { self.log = log }

    /// Adds an attempt for the next ``begin()``.
    ///
    /// - Returns: whether it is the first for it.
    func add(_ remains: Remains, of job: Int) -> Bool {
        waiting.append((job, remains))
        return waiting.count == 1
    }

    /// Clears away what was added.
    func begin() {
        let ended = waiting
        waiting = []
        queue.async { [log] in
            for (job, remains) in ended {
                do throws(CgroupError) { try remains.clearAway() } catch {
                    log.error("\(error.description)", metadata: ["JOB_ID": "\(job)"])
                }
            }
        }
    }

    /// The same, and waits until all of it is gone.
    func finish() {
        begin()
        queue.sync {}
    }
}

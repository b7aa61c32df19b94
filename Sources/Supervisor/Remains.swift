// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Cgroups

/// What stays of a queued job's attempt after its end: its cgroup and its files.
package struct Remains: Sendable {
    let cgroup: AttemptCgroup
    let directory: AttemptDirectory?

    /// Removes everything but the output; on any thread.
    package func clearAway() throws(CgroupError) {
        // The files last: they say where the cgroup is to whoever tries again after a failure.
        try cgroup.remove()
        directory?.removeWorkingFiles()
    }

    /// The same for an attempt whose command never ran, and that is to start again.
    func clearForNextStart() throws(CgroupError) {
        directory?.clearForNextStart()
        try cgroup.remove()
    }
}

// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Linux
import Sandbox

/// What stays of a queued job's attempt after its end: jobs-init, which waits to be let go, its cgroup and its files.
package struct Remains: Sendable {
    let cgroup: AttemptCgroup
    let directory: AttemptDirectory?
    let control: Descriptor?

    /// Removes everything but the output; on any thread.
    package func clearAway() throws(CgroupError) {
        try? control?.write([Control.leave])
        // The files last: they say where the cgroup is to whoever tries again after a failure.
        try cgroup.remove()
        directory?.removeWorkingFiles()
    }
}

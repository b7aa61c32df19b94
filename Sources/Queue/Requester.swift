// SPDX-License-Identifier: Apache-2.0
import JobStore

/// The sender of a request, as far as the queue's decisions depend on it.
package struct Requester: Hashable, Sendable {
    package var uid: UInt32
    package var gid: UInt32
    package var name: String
    /// Whether the request is known to come from no process of a job.
    package var isOutsideJobs: Bool

    package init(uid: UInt32, gid: UInt32, name: String, isOutsideJobs: Bool = true) {
        self.uid = uid
        self.gid = gid
        self.name = name
        self.isOutsideJobs = isOutsideJobs
    }

    /// Whether this is an administrator's request. A job of root's is none: its processes have no capabilities, and by asking
    /// for others' jobs or for jobs with capabilities it would have them all the same.
    package var isRoot: Bool { uid == 0 && isOutsideJobs }

    package func mayTouch(_ job: StoredJob) -> Bool { isRoot || uid == job.owner.uid }
}

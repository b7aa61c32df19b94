// SPDX-License-Identifier: Apache-2.0
import JobFile
import JobModel
import JobStore
import Queue
import Scheduler

/// Notices at a submission of everything that is known then, and that would be learned when the job waits or fails.
extension Dispatcher {
    /// - Parameter isGroupInUse: whether a job of its group has not ended.
    func checkGroup(of spec: JobSpec, isGroupInUse: Bool) throws(QueueError) -> [String] {
        let group = spec.scheduling.group
        guard group != Scheduling.defaultGroup, queueSettings.groups[group] == nil else { return [] }
        let near = nearest(group, among: [Scheduling.defaultGroup] + queueSettings.groups.keys.sorted())
        let remedy = (near.map { "did you mean '\($0)'? " } ?? "") + "`jobs group '\(group)' --create` makes it"
        guard !queueSettings.isStrict else { throw .noSuchGroup(group, remedy: remedy) }
        return isGroupInUse
            ? []
            : ["nobody has made the group '\(group)', so its jobs have no limit of how many run at once; \(remedy)"]
    }

    func notices(about job: StoredJob) -> [String] {
        var notices: [String] = []
        let request = Resources(of: job)
        if !request.fits(in: scheduler.capacity) {
            let reason = WaitReason.tooLarge(request: request, capacity: scheduler.capacity)
            notices.append("it \(reason): as things stand it never starts here")
        }
        if queueSettings.isDraining { notices.append("the queue is draining: nothing starts before `jobs undrain`") }
        return notices
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore

/// A submission that was understood and may be queued.
package struct JobSubmission: Sendable {
    package var spec: JobSpec
    package var document: JobDocument
    package var owner: StoredJob.Owner
    /// With ids only: the jobs that its words mean now.
    package private(set) var dependency: Dependency?
    /// Whether a job of its group has not ended.
    package private(set) var isGroupInUse = false
    /// The key with which the submission may be sent again.
    package var key: SubmissionKey?

    /// Checks that the requester may submit the job as it is.
    ///
    /// - Parameters:
    ///   - source: the job file as text, as the store keeps it.
    ///   - user: the number of the user whom the job file names; `nil` if it names none, or nobody.
    package init(
        _ spec: JobSpec, source: String, context: SubmissionContext, user: UInt32?, from requester: Requester
    ) throws(QueueError) {
        if let problem = NameRule.problem(of: spec.name) { throw .unusableName(problem: problem) }
        guard spec.command != nil else { throw .noCommand(job: spec.name) }
        try Self.checkUser(spec, user, requester)
        self.spec = spec
        document = JobDocument(spec: source, context: context.text)
        owner = StoredJob.Owner(uid: requester.uid, gid: requester.gid, name: requester.name)
    }

    /// Looks up what its words mean now; on a thread of the store's.
    package mutating func resolve(in store: JobStore) async throws {
        dependency = try await spec.scheduling.after?.resolved(for: owner.uid, in: store)
        let group = spec.scheduling.group
        if group != Scheduling.defaultGroup {
            isGroupInUse = try await store.offThread { store throws(StoreError) in try store.hasLiveJob(ofGroup: group)
            }
        }
    }

    /// Root may choose whom a job runs as, others only themselves; so may a job of root's.
    private static func checkUser(_ spec: JobSpec, _ user: UInt32?, _ requester: Requester) throws(QueueError) {
        guard !requester.isRoot else { return }
        if let name = spec.user, user != requester.uid { throw .foreignUser(name) }
        if let setting = spec.isolation.settingsOfRoot.first { throw .settingOfRoot(setting) }
        if spec.group != nil { throw .foreignGroup }
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore

/// The jobs that a word in a request selects; see ``JobReference`` for the rule.
package struct Selection: Sendable {
    package var reference: JobReference
    /// None if there is no such job.
    package var ids: [ClosedRange<Int>]
    /// The rows that were asked for, the oldest first.
    package var jobs: [StoredJob] = []

    /// A single job is named itself: what cannot be done to it is refused with the reason. Of several, those to which a verb
    /// does not apply are passed over.
    package var isSingle: Bool { ids.count == 1 && ids[0].lowerBound == ids[0].upperBound }

    /// Reads on the calling thread. A name selects the requester's own jobs, and others' if there is none of that name.
    package init(_ word: String, for requester: Requester, in store: JobStore) throws(StoreError) {
        reference = JobReference(word)
        ids = try store.ids(of: reference, owner: requester.uid)
        if ids.isEmpty, case .name = reference { ids = try store.ids(of: reference, owner: nil) }
    }

    /// Just this job, also where its id is an array's.
    package init(_ job: StoredJob) {
        reference = .id(job.id)
        ids = [job.id...job.id]
        jobs = [job]
    }
}

extension Selection {
    /// No request is for more jobs than this: two arrays of the largest size.
    private static let mostJobs = 2 * ArrayRange.largest
    package static let mostWords = 10_000

    /// Reads what the words select of a verb's jobs, off the queue's thread.
    package static func of(
        _ words: [String], for verb: Order.Verb, by requester: Requester, in store: JobStore
    ) async throws -> [Selection] {
        guard words.count <= mostWords else {
            throw QueueError.tooManyWords(most: mostWords)
        }
        let selections = try await store.offThread { store throws(StoreError) in
            var selections: [Selection] = []
            var left = mostJobs + 1
            for word in words where left > 0 {
                var selection = try Selection(word, for: requester, in: store)
                var query = JobQuery(limit: left)
                query.ids = selection.ids
                query.order = .oldestFirst
                if !selection.isSingle { query.states = verb.states }
                selection.jobs = selection.ids.isEmpty ? [] : try store.jobs(matching: query)
                left -= selection.jobs.count
                selections.append(selection)
            }
            return selections
        }
        guard selections.reduce(0, { $0 + $1.jobs.count }) <= mostJobs else {
            throw QueueError.tooManyJobs(most: mostJobs)
        }
        return selections
    }
}

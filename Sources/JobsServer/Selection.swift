// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore

/// What a word in a request selects; see ``JobReference`` for the rule.
struct Selection: Sendable {
    var reference: JobReference
    /// None if there is no such job.
    var ids: [ClosedRange<Int>]
    /// Those of the ids that were asked for, the oldest first.
    var jobs: [StoredJob] = []

    /// A single job is named itself: what cannot be done to it is refused with the reason. Of several, those to which a verb
    /// does not apply are passed over.
    var isSingle: Bool { ids.count == 1 && ids[0].lowerBound == ids[0].upperBound }

    /// Reads on the calling thread. A name selects the peer's own jobs, and others' if there is none of that name.
    init(_ word: String, for peer: Peer, in store: JobStore) throws(StoreError) {
        reference = JobReference(word)
        ids = try store.ids(of: reference, owner: peer.uid)
        if ids.isEmpty, case .name = reference { ids = try store.ids(of: reference, owner: nil) }
    }

    /// Just this job, also where its id is an array's.
    init(_ job: StoredJob) {
        reference = .id(job.id)
        ids = [job.id...job.id]
        jobs = [job]
    }
}

extension Selection {
    /// No request is for more jobs than this: two arrays of the largest size.
    private static let mostJobs = 2 * ArrayRange.largest
    static let mostWords = 10_000

    /// Reads what the words select of a verb's jobs, off the queue's thread.
    static func of(
        _ words: [String], for verb: Order.Verb, by peer: Peer, in store: JobStore
    ) async throws -> [Selection] {
        guard words.count <= mostWords else {
            throw APIFailure(400, "a request takes up to \(mostWords) words for jobs")
        }
        let selections = try await store.offThread { store throws(StoreError) in
            var selections: [Selection] = []
            var left = mostJobs + 1
            for word in words where left > 0 {
                var selection = try Selection(word, for: peer, in: store)
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
            throw APIFailure(400, "these are more than \(mostJobs) jobs; name fewer at once")
        }
        return selections
    }
}

extension APIFailure {
    static func noSuchJob(_ reference: JobReference) -> APIFailure {
        switch reference {
        case .id(let id): noSuchJob(id)
        case .range: APIFailure(404, "there are no jobs \(reference); `jobs status --all` lists those that there are")
        case .element(let array, let index):
            APIFailure(
                404, "there is no job with the index \(index) in an array \(array); `jobs status \(array)` lists them")
        case .name(let name):
            APIFailure(
                404, "no job is named '\(name)'; `jobs status --all` and `jobs history` list those that there are")
        }
    }
}

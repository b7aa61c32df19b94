// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore

/// Why a request is refused: a status of HTTP and a sentence with the remedy.
package struct APIFailure: Error, CustomStringConvertible {
    package var status: Int
    package var message: String

    package init(_ status: Int, _ message: String) {
        self.status = status
        self.message = message
    }

    package var description: String { message }

    static func noSuchJob(_ id: Int) -> APIFailure {
        APIFailure(
            404, "there is no job \(id); `jobs status --all` lists them, and old ones are forgotten after a while")
    }

    static func notYours(_ job: StoredJob) -> APIFailure {
        APIFailure(403, "job \(job.id) belongs to \(job.owner.name); only they and root may do that")
    }

    static func wrongState(_ job: Int, _ state: JobState, _ verb: Order.Verb) -> APIFailure {
        APIFailure(409, "job \(job) is \(state.rawValue), so there is nothing to \(verb.rawValue)")
    }

    static func store(_ error: StoreError) -> APIFailure { APIFailure(503, error.description) }
}

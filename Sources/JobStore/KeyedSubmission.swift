// SPDX-License-Identifier: Apache-2.0
import GRDB
import JobModel

/// A submission that its client may repeat, and the answer that each repetition gets.
///
/// Written with the jobs that it queued, in one transaction: there is none without the other.
package struct KeyedSubmission: Hashable, Sendable {
    /// The same text of another user is another key.
    package struct Key: Hashable, Sendable {
        package var owner: UInt32
        package var text: String

        package init(owner: UInt32, text: String) {
            self.owner = owner
            self.text = text
        }
    }

    package var key: Key
    /// Of the request's body, which a repetition has to have, too.
    package var fingerprint: Int64
    /// The first job that it queued.
    package var job: Int
    package var answer: String
    package var at: Timestamp

    package init(key: Key, fingerprint: Int64, job: Int, answer: String, at: Timestamp) {
        self.key = key
        self.fingerprint = fingerprint
        self.job = job
        self.answer = answer
        self.at = at
    }

    /// A day, as in other APIs with such keys: far longer than any client goes on repeating.
    package static let lifetimeUsec = 86_400_000_000
    /// Of one user; the oldest leave.
    package static let most = 10_000
}

extension JobStore {
    /// The answer to the submission with this key, and the fingerprint of its body; `nil` if there was none in the
    /// last ``KeyedSubmission/lifetimeUsec``.
    package func answer(
        to key: KeyedSubmission.Key, at now: Timestamp
    ) throws(StoreError) -> (fingerprint: Int64, text: String)? {
        try read("read a submission key") { db in
            let select = try db.cachedStatement(
                sql: "SELECT fingerprint, answer FROM submission_keys WHERE owner_uid = ? AND key = ? AND at_usec >= ?")
            let oldest = now.microsecondsSinceEpoch - KeyedSubmission.lifetimeUsec
            guard let row = try Row.fetchOne(select, arguments: [key.owner, key.text, oldest]) else { return nil }
            var cells = Cells(row, of: "submission_keys", ["fingerprint", "answer"])
            let fingerprint = cells.number(0, in: .min...(.max))
            let text = cells.line(1)
            // Not taken for absent: to queue it twice is the very thing that a key prevents.
            try cells.check()
            return fingerprint.flatMap { number in text.map { (Int64(number), $0) } }
        }
    }
}

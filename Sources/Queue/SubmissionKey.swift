// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore

/// The sign by which a repeated submission is known: the `Idempotency-Key` of its request
/// (draft-ietf-httpapi-idempotency-key-header), and its body.
package struct SubmissionKey: Hashable, Sendable {
    package var id: KeyedSubmission.Key
    package var fingerprint: Int64

    package init(_ text: String, of owner: UInt32, body: JSON) {
        id = KeyedSubmission.Key(owner: owner, text: text)
        fingerprint = Self.fingerprint(of: body.text())
    }

    /// FNV-1a of 64 bits: it tells mistakes apart. Two bodies made alike on purpose deceive their maker alone, because a
    /// key is its user's own.
    private static func fingerprint(of text: String) -> Int64 {
        let hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return Int64(bitPattern: hash)
    }
}

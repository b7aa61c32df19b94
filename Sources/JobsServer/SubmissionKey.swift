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

extension Dispatcher {
    /// A submission with a key that is on its way to the disk, and those that repeat it meanwhile.
    struct UnderWay {
        var fingerprint: Int64
        var repeats: [CheckedContinuation<JSON, any Error>] = []
    }

    /// Queues a submission, once: a repetition is given the answer of the first.
    ///
    /// A refusal is not kept: the same may be accepted later under the same key.
    func submit(_ submission: JobSubmission) async throws -> JSON {
        guard let key = submission.key else { return try await resolveAndEnter(submission) }
        if let first = underWay[key.id] {
            guard first.fingerprint == key.fingerprint else { throw QueueError.keyOfAnother }
            return try await withCheckedThrowingContinuation { underWay[key.id]?.repeats.append($0) }
        }
        underWay[key.id] = UnderWay(fingerprint: key.fingerprint)
        let result: Result<JSON, any Error>
        do { result = .success(try await answerOrEnter(submission, key)) } catch { result = .failure(error) }
        for waiting in underWay.removeValue(forKey: key.id)?.repeats ?? [] { waiting.resume(with: result) }
        return try result.get()
    }

    private func answerOrEnter(_ submission: JobSubmission, _ key: SubmissionKey) async throws -> JSON {
        let now = now
        // Before its words are looked up, which may mean something else today, or nothing.
        let earlier = try await store.offThread { store throws(StoreError) in try store.answer(to: key.id, at: now) }
        guard let earlier else { return try await resolveAndEnter(submission) }
        guard earlier.fingerprint == key.fingerprint else { throw QueueError.keyOfAnother }
        return try JSON(parsing: earlier.text)
    }

    private func resolveAndEnter(_ submission: JobSubmission) async throws -> JSON {
        var submission = submission
        try await submission.resolve(in: store)
        return try await enter(submission).json
    }
}

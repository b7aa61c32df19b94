// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import JobsAPI
import Queue

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

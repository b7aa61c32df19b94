// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import JobModel
import JobStore

/// The sign by which a repeated submission is known: the `Idempotency-Key` of its request
/// (draft-ietf-httpapi-idempotency-key-header), and its body.
struct SubmissionKey: Hashable, Sendable {
    var id: KeyedSubmission.Key
    var fingerprint: Int64

    init(_ text: String, of owner: UInt32, body: JSON) {
        id = KeyedSubmission.Key(owner: owner, text: text)
        fingerprint = Self.fingerprint(of: body.text())
    }

    static let header = "Idempotency-Key"
    static let longest = 128

    /// The key that a request has; `nil` if it has none.
    ///
    /// - Throws: 400 for one that cannot be kept.
    static func text(in headers: HTTPFields) throws(APIFailure) -> String? {
        guard let name = HTTPField.Name(header), case let values = headers[values: name], !values.isEmpty else {
            return nil
        }
        // The draft wants the quotes of a structured field; most clients leave them out.
        let isQuoted = values[0].count > 1 && values[0].hasPrefix("\"") && values[0].hasSuffix("\"")
        let key = isQuoted ? String(values[0].dropFirst().dropLast()) : values[0]
        let isPlain = key.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != 0x22 && $0 != 0x5c }
        guard values.count == 1, isPlain, (1...longest).contains(key.utf8.count) else {
            throw APIFailure(
                400,
                "\(header) must be one word of 1 to \(longest) visible ASCII characters without \" and \\, such as a UUID"
            )
        }
        return key
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
    func submit(_ prepared: PreparedSubmission) async throws -> JSON {
        guard let key = prepared.key else { return try await resolveAndEnter(prepared) }
        if let first = underWay[key.id] {
            guard first.fingerprint == key.fingerprint else { throw APIFailure.otherBody }
            return try await withCheckedThrowingContinuation { underWay[key.id]?.repeats.append($0) }
        }
        underWay[key.id] = UnderWay(fingerprint: key.fingerprint)
        let result: Result<JSON, any Error>
        do { result = .success(try await answerOrEnter(prepared, key)) } catch { result = .failure(error) }
        for waiting in underWay.removeValue(forKey: key.id)?.repeats ?? [] { waiting.resume(with: result) }
        return try result.get()
    }

    private func answerOrEnter(_ prepared: PreparedSubmission, _ key: SubmissionKey) async throws -> JSON {
        let now = now
        // Before its words are looked up, which may mean something else today, or nothing.
        let earlier = try await store.offThread { store throws(StoreError) in try store.answer(to: key.id, at: now) }
        guard let earlier else { return try await resolveAndEnter(prepared) }
        guard earlier.fingerprint == key.fingerprint else { throw APIFailure.otherBody }
        return try JSON(parsing: earlier.text)
    }

    private func resolveAndEnter(_ prepared: PreparedSubmission) async throws -> JSON {
        var prepared = prepared
        try await prepared.resolve(in: store)
        return try await enter(prepared).json
    }
}

extension APIFailure {
    fileprivate static let otherBody = APIFailure(
        422, "another submission had this \(SubmissionKey.header); give each submission a key of its own")
}

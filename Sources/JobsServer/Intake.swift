// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Synchronization

/// Understands what was sent, one request at a time and users in turn.
///
/// A thread of its own, because a body of 4 MiB takes a second to read as a job file: those threads that answer would all be
/// busy with six of them. In turn, so that a user who sends many keeps nobody else waiting for more than one.
final class Intake: Sendable {
    private typealias Work = @Sendable () -> Void

    private struct Waiting {
        /// Those with something to do, whoever's turn it is first.
        var turns: [UInt32] = []
        var work: [UInt32: [Work]] = [:]
    }

    private let queue = DispatchQueue(label: "jobsd.intake")
    private let waiting = Mutex(Waiting())

    /// - Parameters:
    ///   - isWanted: asked when it is its turn: nobody works for a client that has gone.
    func run<Value: Sendable>(
        for uid: UInt32, isWanted: @escaping @Sendable () -> Bool, _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            put(uid) {
                guard isWanted() else { return continuation.resume(throwing: APIFailure(400, "the client has gone")) }
                continuation.resume(with: Result { try body() })
            }
        }
    }

    private func put(_ uid: UInt32, _ work: @escaping Work) {
        waiting.withLock { waiting in
            if waiting.work[uid] == nil { waiting.turns.append(uid) }
            waiting.work[uid, default: []].append(work)
        }
        // As many turns as there is work; whose it is comes out when it begins.
        queue.async { self.next()?() }
    }

    private func next() -> Work? {
        waiting.withLock { waiting in
            guard !waiting.turns.isEmpty else { return nil }
            let uid = waiting.turns.removeFirst()
            guard var work = waiting.work.removeValue(forKey: uid), !work.isEmpty else { return nil }
            // At most as many as the user has connections.
            let first = work.removeFirst()
            if !work.isEmpty {
                waiting.work[uid] = work
                waiting.turns.append(uid)
            }
            return first
        }
    }
}

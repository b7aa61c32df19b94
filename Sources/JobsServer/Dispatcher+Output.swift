// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Glibc
import JobModel
import JobStore
import Linux
import Queue

/// The kept output of attempts.
extension Dispatcher {
    /// Where an attempt's output lies, and whether it may still grow.
    func output(of id: Int, attempt: Int?, for requester: Requester) throws -> (directory: String, attempt: Int) {
        guard let job = try store.job(id) else { throw QueueError.noSuchJob(id) }
        guard requester.mayTouch(job) else { throw QueueError.notYours(job) }
        let newest = table.underWay(id)?.number ?? job.attempt
        let number = attempt ?? newest
        guard number >= 1, number <= newest else {
            throw QueueError.noSuchAttempt(job: id, newest: newest)
        }
        return (directory(of: AttemptKey(job: id, number: number)).path, number)
    }

    /// Wakes up at every write of that attempt's output and at its end; the stream ends with the attempt.
    func growth(of id: Int, attempt: Int, stream: String) -> AsyncStream<Void> {
        let (wakeups, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        guard !isStopping, let entry = table.underWay(id), entry.number == attempt,
            let watch = try? executor.eventLoop.watchDirectory(
                directory(of: AttemptKey(job: id, number: attempt)).path, handler: { continuation.yield() })
        else {
            continuation.finish()
            return wakeups
        }
        continuation.onTermination = { [self] _ in
            executor.post { self.assumeIsolated { $0.executor.eventLoop.forgetDirectory(watch) } }
        }
        feed.followOutput(of: id, continuation)
        return wakeups
    }
}

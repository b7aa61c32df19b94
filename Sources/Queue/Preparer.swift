// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import Linux

/// The decision for which jobs an attempt is launched before their turn, and the rows that were read for it.
///
/// Of a job of milliseconds the launch is the longest part, and a place that became free would stand empty for it. So while
/// short jobs end one after the other, the next ones are launched already: cgroup, namespaces and mounts are there, and the
/// start takes one commit and one byte (decision 008). To the scheduler, and to each client, such a job is pending.
package final class Preparer {
    /// More than a few are of no use: one thread launches them all.
    private static let mostAhead = 4
    /// Several rows at a time: each read waits for the commit that is under way, and the whole queue with it.
    package static let mostReadAhead = 16
    /// Attempts like one that ended within this time may profit.
    private static let shortUsec = 250_000
    /// A prepared attempt knows the machine as it was at its launch: the mounts, the users.
    package static let staleUsec = 1_000_000

    private let clock: any QueueClock
    /// The moment of the monotonic clock at which an attempt last ended after a short time.
    private var lastShort: Int?
    private var isArranged = false
    private var staleTimer: TimerQueue.ID?
    /// Jobs that are likely to start next, as they are on disk.
    private var rows: [Int: (job: StoredJob, document: JobDocument)] = [:]

    package init(clock: any QueueClock) { self.clock = clock }

    // MARK: When

    /// An attempt has ended.
    ///
    /// - Parameter microseconds: its wall time; `nil` if that is not known.
    package func note(length microseconds: Int?) {
        if let microseconds, microseconds < Self.shortUsec { lastShort = clock.monotonic }
    }

    /// Arranges for one preparation, which ``next(in:upcoming:)`` begins, if short jobs follow one another.
    ///
    /// - Returns: whether it was arranged by this call.
    package func arrange() -> Bool {
        guard !isArranged, let lastShort, clock.monotonic - lastShort < Self.staleUsec else { return false }
        isArranged = true
        return true
    }

    /// The job for which an attempt is to be launched now; `nil` if there are enough, or no job may have one.
    ///
    /// - Parameter upcoming: so many jobs that the scheduler is likely to start next, the first of them first.
    package func next<Handle>(in table: JobTable<Handle>, upcoming: (Int) -> [Int]) -> Int? {
        isArranged = false
        guard table.countAhead < Self.mostAhead else { return nil }
        // One for each place that may become free, and one for the first of them that does so again.
        return upcoming(min(Self.mostAhead, table.countUnderWay + 1)).first(where: table.mayPrepare)
    }

    /// Calls `expire` when the oldest prepared attempt is stale.
    ///
    /// - Parameters:
    ///   - oldest: the moment of the monotonic clock at which it was launched.
    ///   - expire: its argument is the moment at which an attempt was launched that is stale by now. Called once however
    ///     often this is called meanwhile, so that it has to look for younger attempts.
    package func awaitStale(oldest: Int, _ expire: @escaping (Int) -> Void) {
        guard staleTimer == nil else { return }
        staleTimer = clock.after(oldest + Self.staleUsec - clock.monotonic) { [self] in
            staleTimer = nil
            expire(clock.monotonic - Self.staleUsec)
        }
    }

    // MARK: Rows

    /// Keeps these rows in place of all earlier ones.
    package func keep(_ rows: [(job: StoredJob, document: JobDocument)]) {
        self.rows = Dictionary(rows.map { ($0.job.id, $0) }) { first, _ in first }
    }

    /// The row of a job, if it was read ahead and nothing has happened to the job since.
    package func row(of job: Int) -> (job: StoredJob, document: JobDocument)? { rows[job] }

    /// A change of the job is on its way to the disk, or has just arrived there.
    package func forget(_ job: Int) { rows[job] = nil }
}

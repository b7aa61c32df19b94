// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Counts what each user holds of something that would not last for everybody. Root and the daemon's own user may have all.
final class Census: Sendable {
    private let limit: Int
    private let counts = Mutex<[UInt32: Int]>([:])

    /// - Parameter limit: for each other user.
    init(limit: Int) { self.limit = limit }

    /// A place that is taken as long as this lives.
    final class Seat: Sendable {
        private let census: Census
        private let uid: UInt32

        fileprivate init(_ census: Census, _ uid: UInt32) { (self.census, self.uid) = (census, uid) }

        deinit { census.leave(uid) }
    }

    /// - Returns: `nil` if the user has as many as they may.
    func seat(for uid: UInt32) -> Seat? {
        let isFree = counts.withLock { counts in
            guard uid == 0 || uid == Peer.ownUID || counts[uid, default: 0] < limit else { return false }
            counts[uid, default: 0] += 1
            return true
        }
        return isFree ? Seat(self, uid) : nil
    }

    private func leave(_ uid: UInt32) {
        counts.withLock { counts in
            let left = counts[uid, default: 1] - 1
            counts[uid] = left > 0 ? left : nil
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Counts what each user holds of something that would not last for everybody, and what all hold together, so that something
/// is left for those who are exempt: they may have all.
final class Census: Sendable {
    private let limit: Int
    private let limitOfAll: Int
    private let counts = Mutex(Counts())

    private struct Counts {
        var byUser: [UInt32: Int] = [:]
        var all = 0
    }

    /// - Parameters:
    ///   - limit: for each user.
    ///   - ofAll: for all of them together.
    init(limit: Int, ofAll: Int = .max) { (self.limit, limitOfAll) = (limit, ofAll) }

    /// Something that is taken as long as this lives.
    final class Seat: Sendable {
        private let census: Census
        /// `nil` for those who are exempt.
        private let uid: UInt32?
        private let size = Mutex(0)

        fileprivate init(_ census: Census, _ uid: UInt32?) { (self.census, self.uid) = (census, uid) }

        /// - Returns: `false` if the user, or all together, would have more than they may; nothing is taken then.
        func grow(by amount: Int) -> Bool {
            guard let uid, census.take(amount, for: uid) else { return uid == nil }
            size.withLock { $0 += amount }
            return true
        }

        deinit { if let uid { census.give(back: size.withLock { $0 }, of: uid) } }
    }

    /// - Parameter size: how much of it.
    /// - Returns: `nil` if the user, or all together, would have more than they may.
    func seat(for peer: Peer, _ size: Int = 1) -> Seat? { seat(for: peer.uid, isExempt: peer.isOperator, size) }

    func seat(for uid: UInt32, isExempt: Bool, _ size: Int = 1) -> Seat? {
        let seat = Seat(self, isExempt ? nil : uid)
        return seat.grow(by: size) ? seat : nil
    }

    private func take(_ amount: Int, for uid: UInt32) -> Bool {
        counts.withLock { counts in
            let own = counts.byUser[uid, default: 0]
            guard amount <= limit - own, amount <= limitOfAll - counts.all else { return false }
            counts.byUser[uid] = own + amount
            counts.all += amount
            return true
        }
    }

    private func give(back amount: Int, of uid: UInt32) {
        counts.withLock { counts in
            let left = counts.byUser[uid, default: amount] - amount
            counts.byUser[uid] = left > 0 ? left : nil
            counts.all -= amount
        }
    }
}

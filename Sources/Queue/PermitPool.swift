// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Permits for something that would not last for everybody: each user has a quota of it, and all together have one, so that
/// something is left for the exempt users, who may have all.
package final class PermitPool: Sendable {
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
    package init(limit: Int, ofAll: Int = .max) { (self.limit, limitOfAll) = (limit, ofAll) }

    /// A part that is taken as long as this lives.
    package final class Permit: Sendable {
        private let pool: PermitPool
        /// `nil` for an exempt user.
        private let uid: UInt32?
        private let size = Mutex(0)

        fileprivate init(_ pool: PermitPool, _ uid: UInt32?) { (self.pool, self.uid) = (pool, uid) }

        /// - Returns: `false` if the user, or all together, would have more than they may; nothing is taken then.
        package func grow(by amount: Int) -> Bool {
            guard let uid, pool.take(amount, for: uid) else { return uid == nil }
            size.withLock { $0 += amount }
            return true
        }

        deinit { if let uid { pool.give(back: size.withLock { $0 }, of: uid) } }
    }

    /// - Parameter size: how much of it.
    /// - Returns: `nil` if the user, or all together, would have more than they may.
    package func permit(for uid: UInt32, isExempt: Bool, _ size: Int = 1) -> Permit? {
        let permit = Permit(self, isExempt ? nil : uid)
        return permit.grow(by: size) ? permit : nil
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

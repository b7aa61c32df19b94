// SPDX-License-Identifier: Apache-2.0
import Queue

extension PermitPool {
    /// - Parameter size: how much of it.
    /// - Returns: `nil` if the user, or all together, would have more than they may.
    func permit(for peer: Peer, _ size: Int = 1) -> Permit? {
        permit(for: peer.uid, isExempt: peer.isOperator, size)
    }
}

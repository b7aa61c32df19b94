// SPDX-License-Identifier: Apache-2.0

/// Orders of the supervisor to jobs-init, a byte each. The end of the channel says that the supervisor is done or gone.
///
/// A jobs-init ignores a byte that it does not know. Bytes are never used for another order later (decision 018).
package enum Control {
    /// The highest vocabulary of this build. jobs-init tells its own at its birth, and gets no byte beyond that.
    package static var vocabulary: Int { 2 + FileFormat.testVersion }

    // Vocabulary 1: every jobs-init, of whatever version.
    /// TERM to everyone, KILL after the grace period.
    package static let terminate: UInt8 = 200
    package static let kill: UInt8 = 201
    /// The account is closed: jobs-init of a queued job may go. Its channel is a FIFO that never ends.
    package static let leave: UInt8 = 202
    /// A byte from 1 to 64 is a signal for the command's process group.
    package static let signals: ClosedRange<UInt8> = 1...64

    // Vocabulary 2.
    /// The job was frozen, or thawed: its wall-time limit stands still in between.
    package static let pause: UInt8 = 203
    package static let resume: UInt8 = 204

    /// Whether a jobs-init of that vocabulary understands the order.
    package static func isKnown(_ byte: UInt8, in vocabulary: Int) -> Bool {
        switch byte {
        case terminate, kill, leave, signals: true
        case pause, resume: vocabulary >= 2
        default: false
        }
    }
}

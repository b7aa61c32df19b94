// SPDX-License-Identifier: Apache-2.0
import Linux

/// The time as the queue knows it, and its only way to wait for a moment.
///
/// Handlers are called on the queue's thread. A test has a clock of its own, which moves when the test says so.
package protocol QueueClock {
    /// Microseconds since 1970, by the clock that people set.
    var realtime: Int { get }
    /// Microseconds by a clock that cannot be set, and that stands still while the machine sleeps.
    var monotonic: Int { get }

    /// Calls `handler` once when ``realtime`` has reached a moment, also if the clock is set or the machine slept meanwhile.
    @discardableResult
    func at(_ realtime: Int, _ handler: @escaping () -> Void) -> TimerQueue.ID

    /// Calls `handler` once after so many microseconds of ``monotonic``.
    @discardableResult
    func after(_ microseconds: Int, _ handler: @escaping () -> Void) -> TimerQueue.ID

    /// Forgets a handler; nothing happens if it was called already.
    func cancel(_ timer: TimerQueue.ID)
}

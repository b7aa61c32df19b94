// SPDX-License-Identifier: Apache-2.0

/// The result of an order on all the jobs that words select.
package struct OrderOutcome: Sendable {
    /// Jobs to which it was done, on disk.
    package var changed: [Int] = []
    /// Jobs that run and were asked to end.
    package var ending: [Int] = []
    /// The reasons why it was not done to a job, or to any job of a word.
    package var refused: [QueueError] = []

    package init() {}
}

// SPDX-License-Identifier: Apache-2.0
import SystemPackage

/// Handlers that are called at moments of one clock, all on one `timerfd_create(2)`.
///
/// One descriptor for all of them, made at the start: another one could be refused (EMFILE) at the moment it is needed, and
/// the caller would have no way to go on.
package final class TimerQueue {
    /// Names a handler that waits, for ``cancel(_:)``.
    package struct ID: Hashable, Sendable {
        package let number: Int
        package let isOfWallClock: Bool

        package init(number: Int, isOfWallClock: Bool) { (self.number, self.isOfWallClock) = (number, isOfWallClock) }
    }

    private struct Entry {
        var moment: Int
        var number: Int
        var handler: () -> Void

        /// By moments; of one moment in the order in which they were added.
        func isAfter(_ moment: Int, _ number: Int) -> Bool { (self.moment, self.number) > (moment, number) }
    }

    private let timer: Timer
    private let isOfWallClock: Bool
    /// The latest first, so that the next one is taken from the end.
    private var entries: [Entry] = []
    private var moments: [Int: Int] = [:]
    private var nextNumber = 0
    /// The moment that the descriptor waits for.
    private var armed: Int?

    package init(ofWallClock: Bool = false) throws(Errno) {
        isOfWallClock = ofWallClock
        timer = try Timer(ofWallClock: ofWallClock)
    }

    /// Readable when ``fire()`` is due.
    package var descriptor: Descriptor { timer.descriptor }

    /// Microseconds of the clock, now.
    package var now: Int { isOfWallClock ? Clock.realtimeMicroseconds : Clock.monotonicMicroseconds }

    /// Has `handler` called once by ``fire()``.
    ///
    /// - Parameter moment: in microseconds of the clock; as soon as possible if it is past.
    package func add(at moment: Int, _ handler: @escaping () -> Void) -> ID {
        let number = nextNumber
        nextNumber += 1
        entries.insert(Entry(moment: moment, number: number, handler: handler), at: place(of: moment, number))
        moments[number] = moment
        arm()
        return ID(number: number, isOfWallClock: isOfWallClock)
    }

    /// Forgets a handler; one that was called or forgotten already is none.
    package func cancel(_ id: ID) {
        // The descriptor stays armed: at most it wakes its reader once for nothing.
        guard let moment = moments.removeValue(forKey: id.number) else { return }
        entries.remove(at: place(of: moment, id.number))
    }

    /// Calls the handlers that are due, but none that they add: one that adds itself anew does not keep the others waiting.
    package func fire() {
        timer.acknowledge()
        armed = nil
        let (now, end) = (now, nextNumber)
        while let due = entries.lastIndex(where: { $0.number < end }), entries[due].moment <= now {
            let entry = entries.remove(at: due)
            moments[entry.number] = nil
            entry.handler()
        }
        arm()
    }

    private func arm() {
        guard let next = entries.last?.moment, next < armed ?? .max else { return }
        armed = next
        // Fails for values out of range alone, and a positive Int of microseconds is in range.
        try? timer.arm(at: next)
    }

    /// The first index whose entry is not after that one.
    private func place(of moment: Int, _ number: Int) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].isAfter(moment, number) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

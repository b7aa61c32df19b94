// SPDX-License-Identifier: Apache-2.0
import Glibc
import SystemPackage

/// Calls handlers when descriptors become ready; one thread, no polling.
package final class EventLoop {
    private let poller: Poller
    private let monotonicTimers: TimerQueue
    private let wallTimers: TimerQueue
    /// By descriptor.
    private var handlers: [(() -> Void)?] = []
    /// One inotify instance for all files: a user may have 128 of them (`fs.inotify.max_user_instances`).
    private var watcher: Watcher?
    private var fileHandlers: [CInt: () -> Void] = [:]
    private var directories: [CInt: (path: String, handlers: [Int: () -> Void])] = [:]
    private var nextDirectoryWatch = 0
    private var isStopped = false
    private var atTurnsEnd: [() -> Void] = []
    private var whenIdle: [() -> Void] = []
    /// What is ready now was ready before these were watched: a number that was closed and given anew is another's.
    private var watchedThisTurn: [CInt] = []
    /// For so many turns an idle moment is waited for; a loop that has none does it all the same.
    private static let mostBusyTurns = 16

    package init() throws(Errno) {
        poller = try Poller()
        monotonicTimers = try TimerQueue()
        wallTimers = try TimerQueue(ofWallClock: true)
        for timers in [monotonicTimers, wallTimers] { try watch(timers.descriptor.rawValue) { timers.fire() } }
    }

    /// Calls `handler` whenever `fd` is ready, until ``forget(_:)``. The caller keeps the descriptor open.
    package func watch(_ fd: CInt, _ interest: Poller.Interest = .readable, handler: @escaping () -> Void) throws(Errno)
    {
        try poller.add(fd, interest)
        while handlers.count <= Int(fd) { handlers.append(nil) }
        handlers[Int(fd)] = handler
        watchedThisTurn.append(fd)
    }

    package func forget(_ fd: CInt) {
        guard fd >= 0, fd < handlers.count, handlers[Int(fd)] != nil else { return }
        handlers[Int(fd)] = nil
        poller.remove(fd)
    }

    /// Calls `handler` whenever the file at `path` is written to, until ``forgetFile(_:)`` with the result.
    package func watchFile(_ path: String, handler: @escaping () -> Void) throws(Errno) -> CInt {
        let watcher: Watcher
        if let existing = self.watcher {
            watcher = existing
        } else {
            watcher = try Watcher()
            self.watcher = watcher
            try watch(watcher.descriptor.rawValue) { [self] in
                for id in watcher.changed() ?? Set(fileHandlers.keys) { fileHandlers[id]?() }
            }
        }
        let id = try watcher.watch(path)
        fileHandlers[id] = handler
        return id
    }

    /// Calls `handler` whenever a file in the directory is written to. Several may watch the same one.
    package func watchDirectory(_ path: String, handler: @escaping () -> Void) throws(Errno) -> DirectoryWatch {
        let key = nextDirectoryWatch
        nextDirectoryWatch += 1
        // The kernel gives one inode one watch, so all of its watchers share it.
        if let id = directories.first(where: { $0.value.path == path })?.key {
            directories[id]?.handlers[key] = handler
            return DirectoryWatch(id: id, key: key)
        }
        let id = try watchFile(path) {}
        directories[id] = (path, [key: handler])
        fileHandlers[id] = { [self] in for handler in (directories[id]?.handlers ?? [:]).values { handler() } }
        return DirectoryWatch(id: id, key: key)
    }

    package func forgetDirectory(_ watch: DirectoryWatch) {
        directories[watch.id]?.handlers[watch.key] = nil
        guard directories[watch.id]?.handlers.isEmpty == true else { return }
        directories[watch.id] = nil
        forgetFile(watch.id)
    }

    package struct DirectoryWatch: Sendable {
        fileprivate var id: CInt
        fileprivate var key: Int
    }

    package func forgetFile(_ id: CInt) {
        guard fileHandlers.removeValue(forKey: id) != nil else { return }
        watcher?.forget(id)
    }

    /// Microseconds since 1970, by the clock that people set.
    package var realtime: Int { wallTimers.now }
    /// Microseconds by a clock that cannot be set.
    package var monotonic: Int { monotonicTimers.now }

    /// Calls `handler` once when ``realtime`` has reached a moment, at once if that is past.
    @discardableResult
    package func at(_ realtime: Int, _ handler: @escaping () -> Void) -> TimerQueue.ID {
        wallTimers.add(at: realtime, handler)
    }

    /// Calls `handler` once after so many microseconds, not before the loop's next turn.
    @discardableResult
    package func after(_ microseconds: Int, _ handler: @escaping () -> Void) -> TimerQueue.ID {
        let (moment, overflows) = monotonic.addingReportingOverflow(max(0, microseconds))
        return monotonicTimers.add(at: overflows ? .max : moment, handler)
    }

    /// Forgets a handler; nothing happens if it was called already.
    package func cancel(_ timer: TimerQueue.ID) { (timer.isOfWallClock ? wallTimers : monotonicTimers).cancel(timer) }

    /// Calls `handler` once when all that is ready now has been handled, before the next wait.
    package func atTurnsEnd(_ handler: @escaping () -> Void) { atTurnsEnd.append(handler) }

    /// Calls `handler` once when nothing is ready: for what takes its time and what nobody waits for.
    package func whenIdle(_ handler: @escaping () -> Void) { whenIdle.append(handler) }

    /// Runs handlers until ``stop()``.
    package func run() throws(Errno) {
        isStopped = false
        var busyTurns = 0
        while !isStopped {
            let ready = try poller.wait(timeout: whenIdle.isEmpty ? -1 : 0)
            watchedThisTurn.removeAll(keepingCapacity: true)
            busyTurns += 1
            if !whenIdle.isEmpty, ready.isEmpty || busyTurns > Self.mostBusyTurns {
                busyTurns = 0
                whenIdle.removeFirst()()
            }
            for (fd, _) in ready where !watchedThisTurn.contains(fd) {
                // An earlier handler of this round may have forgotten it.
                handlers[Int(fd)]?()
                if isStopped { break }
            }
            while !atTurnsEnd.isEmpty {
                let handlers = atTurnsEnd
                atTurnsEnd = []
                for handler in handlers { handler() }
            }
        }
    }

    package func stop() { isStopped = true }
}

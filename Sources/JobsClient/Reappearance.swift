// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobsAPI
import Linux
import NIOPosix
import SystemPackage

/// A daemon that does not answer, and what is known of its return.
///
/// The signs are in the runtime directory, where everybody sees them: its life socket, which listens as long as its process
/// lives and stays behind, and the file of its socket, which kill -9 leaves behind and an orderly end removes.
struct Reappearance: Sendable {
    let socket: String
    /// In seconds: a daemon that a service manager restarts is back within few.
    var patience = 60
    /// The same for one that is there and takes a large queue in.
    var patienceWhileAlive = 300

    enum Sign: Hashable, Sendable {
        /// The daemon starts, or ends.
        case alive
        /// The daemon was killed at some time, or has ended within the time of our patience.
        case gone
    }

    private var directory: String { Locations.directory(of: socket) }

    /// Why it may be expected; `nil` if nothing says so.
    var sign: Sign? {
        let life = Locations.lifeSocket(beside: socket)
        if LocalSocket.isListening(at: life) { return .alive }
        if Files.exists(socket) { return .gone }
        // The removal of its socket has changed the directory.
        guard Files.exists(life), let changed = try? Files.status(directory).st_mtim.tv_sec else { return nil }
        // A clock that was set back makes no reason.
        return (0...patience).contains(Clock.realtimeMicroseconds / 1_000_000 - changed) ? .gone : nil
    }

    /// How a wait ended.
    enum Outcome: Hashable, Sendable {
        case answers
        /// No process is there.
        case dead
        /// Our patience ended.
        case late
    }

    /// Waits until somebody accepts connections; `false` if nobody does in time.
    ///
    /// - Parameter whileAlive: not beyond the end of the process that is there.
    func happens(whileAlive: Bool = false) async -> Bool {
        // A thread that may block: the pool for tasks must not.
        (try? await NIOThreadPool.singleton.runIfActive { wait(whileAlive: whileAlive) }) == .answers
    }

    /// The same for a thread that may wait.
    func wait(whileAlive: Bool = false) -> Outcome {
        wait(seconds: whileAlive ? patienceWhileAlive : patience) {
            JobsClient.answers(socket) ? .answers : whileAlive && sign != .alive ? .dead : nil
        }
    }

    /// Waits until a daemon that has its lock shows that it lives, which it does next, or for a few seconds: it may have
    /// another runtime directory, or be gone again.
    func waitForLife() -> Bool {
        wait(seconds: min(patience, 3)) { sign == .alive || JobsClient.answers(socket) ? .answers : nil } == .answers
    }

    /// Asks again whenever something happens in the directory, or a process that was alive has ended.
    private func wait(seconds: Int, until answer: () -> Outcome?) -> Outcome {
        let queue = inotify_init1(CInt(O_CLOEXEC | O_NONBLOCK))
        guard queue >= 0 else { return answer() ?? .late }
        defer { close(queue) }
        // The daemon gives a socket its name when it takes connections.
        guard inotify_add_watch(queue, directory, UInt32(IN_MOVED_TO)) >= 0 else {
            return answer() ?? .late
        }
        let deadline = Clock.monotonicMicroseconds + seconds * 1_000_000
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            // Before the question, so that an end after it is not missed. The connection is given up with the turn.
            let life = try? LocalSocket.connect(to: Locations.lifeSocket(beside: socket))
            // Asked after the watch is set, so that a return before it is not missed.
            if let answer = answer() { return answer }
            let left = (deadline - Clock.monotonicMicroseconds) / 1000
            guard left > 0 else { return .late }
            // poll(2) passes over a negative descriptor.
            var entries = [
                pollfd(fd: queue, events: Int16(POLLIN), revents: 0),
                pollfd(fd: life?.rawValue ?? -1, events: Int16(POLLIN), revents: 0),
            ]
            // Nothing tells of the end of a process that takes no more connections, nor of a directory that is gone.
            let isBlind = life == nil && (sign == .alive || !Files.exists(directory))
            let turn = isBlind ? min(left, 1000) : left
            guard poll(&entries, 2, CInt(turn)) > 0 || errno == EINTR || isBlind else { return answer() ?? .late }
            while read(queue, &buffer, buffer.count) > 0 {}
            withExtendedLifetime(life) {}
        }
    }
}

extension JobsClient {
    /// Tries again whenever the daemon is back after it went away in the middle; a client that ``outlasts`` also if it has just
    /// gone.
    func throughRestarts<Result>(
        _ hear: (Absence) async -> Void, attempt: () async throws(ClientError) -> Result
    ) async throws(ClientError) -> Result {
        var losses = 0
        while true {
            do throws(ClientError) { return try await attempt() } catch {
                // A first connection that fails is for the caller; so is a daemon that never gets far.
                let isExpected = losses > 0 || outlasts && Reappearance(socket: socket).sign != nil
                guard error.isLoss || (isExpected && error.nobodyListens), !Task.isCancelled, losses < 1000 else {
                    throw error
                }
                losses += 1
                await hear(.lost(error))
                guard await Reappearance(socket: socket).happens() else { throw error }
                await hear(.over)
            }
        }
    }

    /// Waits for the return of a daemon that was killed, or has ended just now; `false` if it does not come.
    ///
    /// - Parameter error: by which it was missed.
    public func waitForReturn(after error: ClientError) async -> Bool {
        let reappearance = Reappearance(socket: socket)
        guard reappearance.sign != nil else { return false }
        await hear(.lost(error))
        guard await reappearance.happens() else { return false }
        await hear(.over)
        return true
    }
}

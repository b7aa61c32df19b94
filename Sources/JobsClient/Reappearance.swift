// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import NIOPosix

/// The return of a daemon that went away, seen by what happens in its socket's directory.
struct Reappearance: Sendable {
    let socket: String
    /// A daemon that a service manager restarts is back within seconds.
    var patience: Int = 60

    /// Waits until somebody accepts connections again; `false` if nobody does in time.
    func happens() async -> Bool {
        // A thread that may block: the pool for tasks must not.
        (try? await NIOThreadPool.singleton.runIfActive { waitForIt() }) ?? false
    }

    private func waitForIt() -> Bool {
        let directory = String(socket[..<(socket.lastIndex(of: "/") ?? socket.startIndex)])
        let queue = inotify_init1(CInt(O_CLOEXEC | O_NONBLOCK))
        guard queue >= 0 else { return false }
        defer { close(queue) }
        // bind(2) creates the file before anybody listens; the daemon's chmod(2) of it comes after that.
        guard inotify_add_watch(queue, directory, UInt32(IN_CREATE | IN_ATTRIB | IN_MOVED_TO)) >= 0 else {
            return false
        }
        let deadline = Clock.monotonicMicroseconds + patience * 1_000_000
        var buffer = [UInt8](repeating: 0, count: 4096)
        // Asked after the watch is set, so that a return before it is not missed.
        while !JobsClient.answers(socket) {
            let left = (deadline - Clock.monotonicMicroseconds) / 1000
            guard left > 0 else { return false }
            var entry = pollfd(fd: queue, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, CInt(left)) > 0 || errno == EINTR else { return JobsClient.answers(socket) }
            while read(queue, &buffer, buffer.count) > 0 {}
        }
        return true
    }
}

extension JobsClient {
    /// Tries again whenever the daemon is back after it went away in the middle.
    func throughRestarts<Result>(
        _ lost: (ClientError) async -> Void, attempt: () async throws(ClientError) -> Result
    ) async throws(ClientError) -> Result {
        var losses = 0
        while true {
            do throws(ClientError) { return try await attempt() } catch {
                // A first connection that fails is for the caller; so is a daemon that never gets far.
                guard error.isLoss || (losses > 0 && error.nobodyListens), !Task.isCancelled, losses < 1000 else {
                    throw error
                }
                losses += 1
                await lost(error)
                guard await Reappearance(socket: socket).happens() else { throw error }
            }
        }
    }
}

extension ClientError {
    /// `true` if there was a daemon, and then there was none.
    fileprivate var isLoss: Bool { if case .broken = self { true } else { false } }
}

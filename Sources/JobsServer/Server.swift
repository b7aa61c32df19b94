// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Foundation
import Glibc
import HTTPTypes
import Hummingbird
import HummingbirdCore
import JobFile
import JobModel
import JobStore
import JobsAPI
import Linux
import Logging
import NIOCore
import NIOPosix
import Queue
import ServiceLifecycle
import Supervisor
import Synchronization
import SystemPackage

/// The API on its Unix socket. Routes translate; the dispatcher decides.
package struct Server: Service {
    let dispatcher: Dispatcher
    let socketPath: String
    /// Whoever else may connect; everybody if `nil`.
    let socketGroup: gid_t?
    let log: Logger
    let onReady: @Sendable () async -> Void

    /// More wait to be accepted. Each has a descriptor, of which the attempts need some as well.
    static let connections = 4096
    /// Of those, what is left for root when all others have as many as they get.
    static let connectionsOfRoot = 256

    /// Calls `answer` on each event loop that connections are on, as soon as its turn comes.
    ///
    /// - Returns: how many there are.
    package static func askEventLoops(_ answer: @escaping @Sendable () -> Void) -> Int {
        MultiThreadedEventLoopGroup.singleton.makeIterator().reduce(0) { count, loop in
            loop.execute(answer)
            return count + 1
        }
    }

    package init(
        dispatcher: Dispatcher, socketPath: String, socketGroup: gid_t? = nil, log: Logger,
        onReady: @escaping @Sendable () async -> Void
    ) {
        self.dispatcher = dispatcher
        self.socketPath = socketPath
        self.socketGroup = socketGroup
        self.log = log
        self.onReady = onReady
    }

    package func run() async throws {
        let router = Router(context: APIContext.self)
        router.middlewares.add(PeerMiddleware())
        Routes(dispatcher: dispatcher).add(to: router)
        let responder = router.buildResponder()
        let path = socketPath
        let most = Self.connections - Self.connectionsOfRoot
        let census = PermitPool(limit: dispatcher.settings.quotas.connections ?? most, ofAll: most)
        let finder = try AttemptFinder.ofThisProcess()
        let (ready, log, group) = (onReady, log, socketGroup)
        let failure = Mutex<Errno?>(nil)
        // The server says "listening" of the draft, before the daemon's own "ready".
        var quietLog = log
        quietLog.logLevel = .notice
        // A request that does not get on is given up, and so is a connection that nobody uses.
        let builder = HTTPServerBuilder.http1(
            configuration: .init(
                additionalChannelHandlers: [ConnectionGuard(census, finder)], idleTimeout: .seconds(60)))
        // Not Hummingbird's Application, which wakes up every second to know the date of an answer.
        let server = try builder.buildServer(
            configuration: ServerConfiguration(
                address: .unixDomainSocket(path: LocalSocket.draft(of: path)), serverName: "jobsd",
                backlog: Self.connections, availableConnectionsDelegate: .maximum(Self.connections, logger: log)),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quietLog
        ) { request, writer, channel in
            let context = APIContext(source: ApplicationRequestContextSource(channel: channel, logger: log))
            // The middleware has made an answer of every error.
            var response = try await responder.respond(to: request, context: context)
            response.headers[.server] = "jobsd"
            try await writer.write(response: response.head, body: response.body)
        } onServerRunning: { channel in
            do throws(Errno) {
                // A request is judged by its peer's user.
                try LocalSocket.publish(path, mode: group == nil ? 0o666 : 0o660, group: group)
            } catch {
                failure.withLock { $0 = error }
                unlink(LocalSocket.draft(of: path))
                return channel.close(promise: nil)
            }
            Self.showToJobs(path)
            await ready()
        }
        let dispatcher = dispatcher
        try await withGracefulShutdownHandler {
            try await server.run()
        } onGracefulShutdown: {
            // NIO removes the draft's name. A client that finds no socket waits for the next daemon.
            unlink(path)
            // Followers of events or output would otherwise keep the server from ending.
            Task { await dispatcher.endStreams() }
        }
        if let errno = failure.withLock({ $0 }) {
            throw SocketFailure(
                description:
                    "cannot make the socket \(path): \(errno); make its directory writable for the daemon's user")
        }
    }

    /// The socket could not be made, so no client could connect.
    private struct SocketFailure: Error, CustomStringConvertible { var description: String }
}

extension Server {
    /// Gives a socket a second name in a directory of its own, which is all that a job with `submit` sees: a directory lasts
    /// when a later daemon makes a socket of its own.
    package static func showToJobs(_ socket: String) {
        guard let slash = socket.lastIndex(of: "/") else { return }
        let folder = String(socket[...slash]) + QueueDirectories.socketFolder
        let name = folder + String(socket[slash...])
        mkdir(folder, 0o755)
        unlink(name)
        link(socket, name)
    }

    /// Takes the second name away, and the directory with the last.
    package static func hideFromJobs(_ socket: String) {
        guard let slash = socket.lastIndex(of: "/") else { return }
        let folder = String(socket[...slash]) + QueueDirectories.socketFolder
        unlink(folder + String(socket[slash...]))
        rmdir(folder)
    }
}

/// An answer of the API.
func answer(_ status: Int, _ json: JSON) -> Response {
    Response(
        status: .init(code: status), headers: [.contentType: "application/json; charset=utf-8"],
        body: ResponseBody(byteBuffer: ByteBuffer(string: json.text() + "\n")))
}

// SPDX-License-Identifier: Apache-2.0
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
import ServiceLifecycle
import Supervisor

/// The API on its Unix socket. Routes translate; the dispatcher decides.
package struct Server: Service {
    let dispatcher: Dispatcher
    let socketPath: String
    let log: Logger
    let onReady: @Sendable () async -> Void

    /// More wait to be accepted. Each has a descriptor, of which the attempts need some as well.
    static let connections = 4096
    static let connectionsOfOne = 512

    package init(
        dispatcher: Dispatcher, socketPath: String, log: Logger, onReady: @escaping @Sendable () async -> Void
    ) {
        self.dispatcher = dispatcher
        self.socketPath = socketPath
        self.log = log
        self.onReady = onReady
    }

    package func run() async throws {
        let router = Router(context: APIContext.self)
        router.middlewares.add(PeerMiddleware())
        Routes(dispatcher: dispatcher).add(to: router)
        let responder = router.buildResponder()
        let path = socketPath
        let census = Census(limit: Self.connectionsOfOne)
        let (ready, log) = (onReady, log)
        // A request that does not get on is given up, and so is a connection that nobody uses.
        let builder = HTTPServerBuilder.http1(
            configuration: .init(additionalChannelHandlers: [ConnectionGuard(census)], idleTimeout: .seconds(60)))
        // Not Hummingbird's Application, which wakes up every second to know the date of an answer.
        let server = try builder.buildServer(
            configuration: ServerConfiguration(
                address: .unixDomainSocket(path: path), serverName: "jobsd", backlog: Self.connections,
                availableConnectionsDelegate: .maximum(Self.connections, logger: log)),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: log
        ) { request, writer, channel in
            let context = APIContext(source: ApplicationRequestContextSource(channel: channel, logger: log))
            // The middleware has made an answer of every error.
            var response = try await responder.respond(to: request, context: context)
            response.headers[.server] = "jobsd"
            try await writer.write(response: response.head, body: response.body)
        } onServerRunning: { _ in
            // Everybody may connect: what they may do is decided by who they are.
            chmod(path, 0o666)
            showToJobs(path)
            await ready()
        }
        let dispatcher = dispatcher
        // Whoever follows events or output would otherwise keep the server from ending.
        try await withGracefulShutdownHandler {
            try await server.run()
        } onGracefulShutdown: {
            Task { await dispatcher.endStreams() }
        }
    }
}

/// Gives the socket a second name in a directory of its own, which is all that a job with `submit` sees: a directory lasts
/// when a later daemon makes a socket of its own.
private func showToJobs(_ socket: String) {
    guard let slash = socket.lastIndex(of: "/") else { return }
    let folder = String(socket[...slash]) + QueueDirectories.socketFolder
    let name = folder + String(socket[slash...])
    mkdir(folder, 0o755)
    unlink(name)
    link(socket, name)
}

/// An answer of the API.
func answer(_ status: Int, _ json: JSON) -> Response {
    Response(
        status: .init(code: status), headers: [.contentType: "application/json; charset=utf-8"],
        body: ResponseBody(byteBuffer: ByteBuffer(string: json.text() + "\n")))
}

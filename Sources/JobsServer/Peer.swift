// SPDX-License-Identifier: Apache-2.0
import Glibc
import Hummingbird
import NIOCore
import Supervisor

/// Who is at the other end of the socket, in the kernel's words.
package struct Peer: Sendable, Hashable {
    package var uid: UInt32
    package var gid: UInt32
    package var name: String

    /// Whose daemon this is.
    static let ownUID = geteuid()

    /// `struct ucred` of `unix(7)`, which Swift's Glibc does not show.
    private struct Credentials: Sendable {
        var pid: Int32
        var uid: UInt32
        var gid: UInt32
    }

    static func uid(of channel: any Channel) -> EventLoopFuture<UInt32> { credentials(of: channel).map(\.uid) }

    private static func credentials(of channel: any Channel) -> EventLoopFuture<Credentials> {
        guard let socket = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeFailedFuture(APIFailure(403, "only a Unix socket says who you are"))
        }
        return socket.unsafeGetSocketOption(level: .socket, name: .init(rawValue: CInt(SO_PEERCRED)))
    }

    /// The credentials at the time of the connection (`SO_PEERCRED`). The pid is not kept: it may be somebody else's by now.
    static func of(_ channel: any Channel) async throws -> Peer {
        let found = try await credentials(of: channel).get()
        return Peer(uid: found.uid, gid: found.gid, name: Account.of(found.uid)?.name ?? "\(found.uid)")
    }
}

/// A request and who sent it.
struct APIContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel
    /// Set by ``PeerMiddleware`` before any route sees the request.
    var peer = Peer(uid: .max, gid: .max, name: "nobody")

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }

    /// A submission holds an environment, and `ALL` of a shell may be large.
    static let largestRequest = 4 << 20
    var maxUploadSize: Int { Self.largestRequest }
}

/// Finds out who asks, and turns what goes wrong into an answer of the API's form.
struct PeerMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        do {
            var context = context
            context.peer = try await Peer.of(context.channel)
            return try await next(request, context)
        } catch let failure as APIFailure {
            return answer(failure.status, .object(["error": .string(failure.message)]))
        } catch let error as HTTPError {
            let words = error.body ?? error.status.reasonPhrase
            return answer(Int(error.status.code), .object(["error": .string("\(words); see /v1/openapi.json")]))
        } catch {
            return answer(503, .object(["error": .string("\(error)")]))
        }
    }
}

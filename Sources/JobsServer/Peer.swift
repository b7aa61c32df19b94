// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import HTTPTypes
import Hummingbird
import JobModel
import Linux
import NIOCore
import Queue
import Supervisor
import SystemPackage

/// The sender of a request, in the kernel's words.
package struct Peer: Sendable, Hashable {
    package var uid: UInt32
    package var gid: UInt32
    package var name: String
    /// The place that the connection was made from.
    package var origin = Origin.outside

    package enum Origin: Sendable, Hashable {
        /// No job.
        case outside
        /// A process of a job, of whichever queue or `jobs run`.
        case job(EnclosingAttempt)
        /// Not to be found out, and why.
        case unknown(String)
    }

    /// The user whose daemon this is.
    static let ownUID = geteuid()

    /// For the queue, which knows nothing of connections.
    var requester: Requester { Requester(uid: uid, gid: gid, name: name, isOutsideJobs: origin == .outside) }

    /// Whether the queue as a whole is theirs to rule.
    var isOperator: Bool { Self.isOperator(uid, origin) }

    fileprivate static func isOperator(_ uid: UInt32, _ origin: Origin) -> Bool {
        origin == .outside && (uid == 0 || uid == ownUID)
    }

    /// - Throws: 403 if this comes from inside a job that was not allowed to.
    func requireMayChange() throws(APIFailure) {
        switch origin {
        case .outside: return
        case .job(let attempt) where attempt.maySubmit: return
        case .job(let attempt):
            throw APIFailure(
                403,
                "this comes from inside a job (\(attempt.name)), which would leave its limits by it; ask from outside, or give the job `isolation: {submit: true}`"
            )
        case .unknown(let reason):
            throw APIFailure(
                403, "\(reason), so that it may be inside a job; ask from a process that waits for the answer")
        }
    }
}

/// What the kernel says of a connection's other end when it is made.
///
/// At that time and not when a request comes: before Linux 6.5 the end is known by its pid alone, which another process may
/// have later.
struct Caller: Sendable {
    var uid: UInt32
    var gid: UInt32
    var origin: Peer.Origin

    var isOperator: Bool { Peer.isOperator(uid, origin) }

    /// `struct ucred` of `unix(7)`, which Swift's Glibc does not show.
    private struct Credentials: Sendable {
        var pid: Int32
        var uid: UInt32
        var gid: UInt32
    }

    /// `SO_PEERPIDFD` of Linux 6.5, which the headers of older systems lack.
    private static let peerPidfd: CInt = 77

    /// To be called on the channel's event loop, where the answer is there at once.
    static func of(_ channel: any Channel, _ finder: AttemptFinder) -> EventLoopFuture<Caller> {
        guard let socket = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeFailedFuture(APIFailure(403, "only a Unix socket says who you are"))
        }
        let credentials: EventLoopFuture<Credentials> = socket.unsafeGetSocketOption(
            level: .socket, name: .init(rawValue: CInt(SO_PEERCRED)))
        return credentials.flatMap { found in
            let pidfd: EventLoopFuture<CInt> = socket.unsafeGetSocketOption(
                level: .socket, name: .init(rawValue: peerPidfd))
            return pidfd.map { Process?.some(Process(pid: found.pid, pidfd: Descriptor($0))) }
                .flatMapErrorThrowing { error in
                    guard (error as? IOError)?.errnoCode == ENOPROTOOPT else { return nil }
                    return Process.find(pid: found.pid, at: Clock.bootTicks)
                }
                .map { Caller(uid: found.uid, gid: found.gid, origin: origin(of: $0, finder)) }
        }
    }

    private static func origin(of process: Process?, _ finder: AttemptFinder) -> Peer.Origin {
        guard let process, process.pid > 0 else {
            return .unknown("the process that asks has ended, or is in a PID namespace that jobsd does not see")
        }
        let memberships: String
        do throws(Errno) { memberships = try Files.read("/proc/\(process.pid)/cgroup") } catch {
            return .unknown("jobsd cannot read the cgroup of the process that asks (\(error))")
        }
        // Alive after the reading, so that what was read was its own.
        guard process.isAlive else { return .unknown("the process that asks has ended") }
        return finder.attempt(around: memberships).map { .job($0) } ?? .outside
    }
}

extension Peer {
    static func of(_ channel: any Channel) async throws -> Peer {
        let found = try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.handler(type: ConnectionGuard.self).caller
        }.get()
        guard let caller = try found?.get() else { throw APIFailure(403, "the kernel does not say who you are") }
        return Peer(
            uid: caller.uid, gid: caller.gid, name: Account.of(caller.uid)?.name ?? "\(caller.uid)",
            origin: caller.origin)
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

/// Finds out who asks, refuses what must not be asked, and turns what goes wrong into an answer of the API's form.
struct PeerMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        do {
            try refuseWebPages(request.head)
            var context = context
            context.peer = try await Peer.of(context.channel)
            if request.method != .get { try context.peer.requireMayChange() }
            return try await next(request, context)
        } catch let failure as APIFailure {
            return refusal(failure)
        } catch let error as QueueError {
            return refusal(APIFailure(error))
        } catch let error as HTTPError where error.status == .notFound && !OpenAPI.methods(of: request.uri.path).isEmpty
        {
            let methods = OpenAPI.methods(of: request.uri.path).joined(separator: ", ")
            var refusal = refusal(APIFailure(405, "\(request.uri.path) takes \(methods); see /v1/openapi.json"))
            // RFC 9110 wants it.
            refusal.headers[.allow] = methods
            return refusal
        } catch let error as HTTPError {
            let words = error.body ?? error.status.reasonPhrase
            return refusal(APIFailure(Int(error.status.code), "\(words); see /v1/openapi.json"))
        } catch {
            return refusal(APIFailure(503, "\(error)"))
        }
    }

    /// A sentence, whatever of a request it repeats: a word of 3 MB is not sent back.
    private func refusal(_ failure: APIFailure) -> Response {
        let most = 4096
        let message = failure.message
        let isLong = message.utf8.count > most
        let text = isLong ? String(decoding: message.utf8.prefix(most), as: UTF8.self) + "…" : message
        return answer(failure.status, .object(["error": .string(text)]))
    }
}

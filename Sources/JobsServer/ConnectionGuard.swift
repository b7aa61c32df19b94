// SPDX-License-Identifier: Apache-2.0
import Cgroups
import HTTPTypes
import HummingbirdCore
import JobFile
import JobModel
import NIOCore
import NIOHTTPTypes
import Queue

/// What happens on a connection beside requests: it is counted as its user's, and what is not HTTP is answered and ends it,
/// which otherwise would stay until it is called idle.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let census: PermitPool
    private let finder: AttemptFinder
    private var seat: PermitPool.Permit?
    /// Known before the first request.
    private(set) var caller: Result<Caller, any Error>?

    init(_ census: PermitPool, _ finder: AttemptFinder) { (self.census, self.finder) = (census, finder) }

    func channelActive(context: ChannelHandlerContext) {
        Caller.of(context.channel, finder).assumeIsolated().whenComplete { [self] result in
            caller = result
            seat = (try? result.get()).flatMap { census.permit(for: $0.uid, isExempt: $0.isOperator) }
            if seat == nil { context.close(promise: nil) }
        }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        seat = nil
        context.fireChannelInactive()
    }

    /// Another answer is under way: nothing may be put into it.
    private var isAnswering = false

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head): isAnswering = head.status.kind != .informational
        case .body: break
        case .end: isAnswering = false
        }
        context.write(data, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if !isAnswering {
            let text = JSON.object(["error": "that is not an HTTP/1.1 request; see /v1/openapi.json"]).text() + "\n"
            var head = HTTPResponse(status: .badRequest)
            head.headerFields[.contentType] = "application/json; charset=utf-8"
            head.headerFields[.contentLength] = "\(text.utf8.count)"
            head.headerFields[.connection] = "close"
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(ByteBuffer(string: text))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
        context.close(promise: nil)
    }
}

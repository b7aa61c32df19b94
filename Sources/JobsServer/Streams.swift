// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import HTTPTypes
import Hummingbird
import JobModel
import JobStore
import JobsAPI
import NIOCore
import Queue

/// The answers that go on: output that is followed, and events.
extension Routes {
    func output(_ request: Request, _ context: APIContext) async throws -> Response {
        let id = try id(context)
        let stream = context.parameters.get("stream") ?? ""
        guard ["stdout", "stderr"].contains(stream) else {
            throw APIFailure(404, "there is no stream '\(stream)'; there are stdout and stderr")
        }
        let place = try await dispatcher.output(
            of: id, attempt: request.number("attempt", in: 1...Routes.most), for: context.peer.requester)
        var start = try request.number("offset", in: 0...Routes.most) ?? 0
        if let tail = try request.number("tail", in: 0...Routes.most) {
            start = max(0, OutputReader(directory: place.directory, stream: stream).length - tail)
        }
        let follow = try request.flag("follow")
        let isFramed = try request.flag("framed")
        let reader = OutputReader(directory: place.directory, stream: stream, from: max(0, start))
        let dispatcher = dispatcher
        let permit = follow ? try permit(for: context.peer) : nil
        return Response(
            status: .ok,
            headers: [.contentType: isFramed ? "application/octet-stream" : "text/plain; charset=utf-8"],
            body: ResponseBody { writer in
                defer { withExtendedLifetime(permit) {} }
                var reader = reader
                guard follow else {
                    try await copy(&reader, framed: isFramed, to: &writer)
                    if isFramed { try await writer.write(OutputFrame.end) }
                    return try await writer.finish(nil)
                }
                // Watched before the first read, so that nothing falls in between.
                let growth = await dispatcher.growth(of: id, attempt: place.attempt, stream: stream)
                try await untilClosed(request, &writer) { writer in
                    try await copy(&reader, framed: isFramed, to: &writer)
                    for await _ in growth { try await copy(&reader, framed: isFramed, to: &writer) }
                    try await copy(&reader, framed: isFramed, to: &writer)
                    // Not if it is the daemon that ends.
                    let isOver = await !dispatcher.isStopping
                    if isFramed, isOver { try await writer.write(OutputFrame.end) }
                }
                try await writer.finish(nil)
            })
    }

    private func permit(for peer: Peer) throws(APIFailure) -> PermitPool.Permit {
        if let permit = streams.permit(for: peer) { return permit }
        throw APIFailure(429, "you follow as much as one may at once; end some of your `jobs logs -f` and `jobs wait`")
    }

    func events(_ request: Request, _ context: APIContext) async throws -> Response {
        let parameters = request.uri.queryParameters
        let ids = parameters.get("job").map { Set($0.split(separator: ",").compactMap { Int($0) }) }
        let isLive = try request.flag("live")
        let dispatcher = dispatcher
        let permit = try permit(for: context.peer)
        // Figures have no event of their own. Without them a comment now and then finds out whether the reader is still there.
        let follower = await dispatcher.follow(tickEvery: isLive ? 500_000 : 15_000_000)
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
            body: ResponseBody { writer in
                defer { withExtendedLifetime(permit) {} }
                // The client knows by this line that what it asks next happens after the watching began.
                try await writer.write(ByteBuffer(string: ": watching\n\n"))
                try await untilClosed(request, &writer) { writer in
                    while let news = await follower.next() {
                        switch news {
                        case .changes(let batch):
                            if let events = batch.events(of: ids) { try await writer.write(events) }
                        case .tick where isLive:
                            for id in await dispatcher.runningIDs(among: ids) {
                                let figures = await dispatcher.live(id)
                                guard figures != .null else { continue }
                                try await writer.write(ByteBuffer(string: "event: live\ndata: \(figures.text())\n\n"))
                            }
                        case .tick: try await writer.write(ByteBuffer(string: ": still here\n\n"))
                        }
                    }
                }
                try await writer.finish(nil)
            })
    }
}

private func copy(
    _ reader: inout OutputReader, framed: Bool, to writer: inout any ResponseBodyWriter
) async throws {
    while true {
        let bytes = reader.next()
        if bytes.isEmpty { return }
        if framed { try await writer.write(OutputFrame.head(next: reader.position, length: bytes.count)) }
        try await writer.write(ByteBuffer(bytes: bytes))
    }
}

/// Tells a reader that will come back where to go on, which the bytes alone do not say once some were dropped.
enum OutputFrame {
    /// Before each piece: where the stream goes on after it, and its length.
    static func head(next: Int, length: Int) -> ByteBuffer { ByteBuffer(string: "\(next) \(length)\n") }
    /// A piece of no length: there is no more to come.
    static let end = ByteBuffer(string: "0 0\n")
}

/// Writes until `body` is done or the reader has gone away, which nothing else would tell before the next write.
private func untilClosed(
    _ request: Request, _ writer: inout any ResponseBodyWriter,
    _ body: @escaping (inout any ResponseBodyWriter) async throws -> Void
) async throws {
    try await request.body.consumeWithCancellationOnInboundClose { _ in try await body(&writer) }
}

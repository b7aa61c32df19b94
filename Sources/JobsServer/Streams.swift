// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Hummingbird
import JobModel
import JobStore
import JobsAPI
import NIOCore

/// The answers that go on: output that is followed, and events.
extension Routes {
    func output(_ request: Request, _ context: APIContext) async throws -> Response {
        let id = try id(context)
        let stream = context.parameters.get("stream") ?? ""
        guard ["stdout", "stderr"].contains(stream) else {
            throw APIFailure(404, "there is no stream '\(stream)'; there are stdout and stderr")
        }
        let parameters = request.uri.queryParameters
        let place = try await dispatcher.output(
            of: id, attempt: parameters.get("attempt").flatMap { Int($0) }, for: context.peer)
        var start = parameters.get("offset").flatMap { Int($0) } ?? 0
        if let tail = parameters.get("tail").flatMap({ Int($0) }) {
            start = max(0, OutputReader(directory: place.directory, stream: stream).length - tail)
        }
        let follow = parameters.get("follow") == "1"
        let reader = OutputReader(directory: place.directory, stream: stream, from: max(0, start))
        let dispatcher = dispatcher
        return Response(
            status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
            body: ResponseBody { writer in
                var reader = reader
                guard follow else {
                    try await copy(&reader, to: &writer)
                    return try await writer.finish(nil)
                }
                // Watched before the first read, so that nothing falls in between.
                let growth = await dispatcher.growth(of: id, attempt: place.attempt, stream: stream)
                try await untilClosed(request, &writer) { writer in
                    try await copy(&reader, to: &writer)
                    for await _ in growth { try await copy(&reader, to: &writer) }
                    try await copy(&reader, to: &writer)
                }
                try await writer.finish(nil)
            })
    }

    func events(_ request: Request, _ context: APIContext) async throws -> Response {
        let parameters = request.uri.queryParameters
        let ids = parameters.get("job").map { Set($0.split(separator: ",").compactMap { Int($0) }) }
        let isLive = parameters.get("live") == "1"
        let dispatcher = dispatcher
        let changes = await dispatcher.changes()
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
            body: ResponseBody { writer in
                // The client knows by this line that what it asks next happens after the watching began.
                try await writer.write(ByteBuffer(string: ": watching\n\n"))
                try await untilClosed(request, &writer) { writer in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        let (texts, continuation) = AsyncStream.makeStream(of: String.self)
                        group.addTask {
                            for await change in changes where ids?.contains(change.job) ?? true {
                                continuation.yield("event: state\ndata: \(change.json.text())\n\n")
                            }
                            // The daemon ends.
                            continuation.finish()
                        }
                        group.addTask {
                            // Only while somebody looks: figures for the eye have no event. Without them a comment now and
                            // then finds out whether the reader is still there.
                            while !Task.isCancelled {
                                try await Task.sleep(for: isLive ? .milliseconds(500) : .seconds(15))
                                guard isLive else {
                                    continuation.yield(": still here\n\n")
                                    continue
                                }
                                for id in await dispatcher.runningIDs(among: ids) {
                                    let figures = await dispatcher.live(id)
                                    if figures != .null {
                                        continuation.yield("event: live\ndata: \(figures.text())\n\n")
                                    }
                                }
                            }
                        }
                        defer { group.cancelAll() }
                        for await text in texts { try await writer.write(ByteBuffer(string: text)) }
                    }
                }
                try await writer.finish(nil)
            })
    }
}

private func copy(_ reader: inout OutputReader, to writer: inout any ResponseBodyWriter) async throws {
    while true {
        let bytes = reader.next()
        if bytes.isEmpty { return }
        try await writer.write(ByteBuffer(bytes: bytes))
    }
}

/// Writes until `body` is done or the reader has gone away, which nothing else would tell before the next write.
private func untilClosed(
    _ request: Request, _ writer: inout any ResponseBodyWriter,
    _ body: @escaping (inout any ResponseBodyWriter) async throws -> Void
) async throws {
    try await request.body.consumeWithCancellationOnInboundClose { _ in try await body(&writer) }
}

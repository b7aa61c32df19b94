// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOHTTP1
import NIOPosix
import SystemPackage

/// One request on one connection over the Unix socket.
struct Connection {
    typealias Channel = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    /// One thread is plenty for a CLI that waits; it lives as long as the process.
    private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    let socket: String
    /// Told that a daemon is there and does not answer yet.
    var onWait: @Sendable () async -> Void = {}

    /// Sends a request and hands the answer's status and body to `body`; the connection ends with it.
    func perform<Result: Sendable>(
        _ request: Request, _ body: @Sendable (Int, ResponseBody) async throws -> Result
    ) async throws(ClientError) -> Result {
        let channel = try await connect()
        do {
            return try await channel.executeThenClose { inbound, outbound in
                // All parts in one write: the head alone would be a packet of its own.
                try await outbound.write(contentsOf: request.parts)
                var parts = inbound.makeAsyncIterator()
                while let part = try await parts.next() {
                    // Information such as "100 Continue" is no answer yet.
                    guard case .head(let head) = part, head.status.code >= 200 else { continue }
                    return try await body(Int(head.status.code), ResponseBody(iterator: parts))
                }
                throw ClientError.broken("it was closed without an answer")
            }
        } catch let error as ClientError {
            throw error
        } catch let error as IOError {
            throw .broken("\(Errno(rawValue: error.errnoCode))")
        } catch let error as HTTPParserError {
            throw error == .invalidEOFState
                ? .broken("it was closed in the middle of the answer") : .unintelligible("\(error)")
        } catch is CancellationError {
            throw .broken("the request was given up")
        } catch {
            throw .broken("\(error)")
        }
    }

    /// Waits for a daemon that starts, and once more if the one that was there only ended; nothing was sent yet.
    private func connect() async throws(ClientError) -> Channel {
        var tries = 3
        while true {
            do throws(ClientError) { return try await connectOnce() } catch {
                let reappearance = Reappearance(socket: socket)
                tries -= 1
                guard tries > 0, error.nobodyListens, reappearance.sign == .alive else { throw error }
                await onWait()
                guard await reappearance.happens(whileAlive: true) else { throw error }
            }
        }
    }

    private func connectOnce() async throws(ClientError) -> Channel {
        do {
            return try await ClientBootstrap(group: Self.group)
                .connect(unixDomainSocketPath: socket) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        return try Channel(wrappingChannelSynchronously: channel)
                    }
                }
        } catch let error as IOError {
            throw .cannotConnect(socket: socket, Errno(rawValue: error.errnoCode))
        } catch SocketAddressError.unixDomainSocketPathTooLong {
            throw .cannotConnect(socket: socket, .fileNameTooLong)
        } catch {
            throw .broken("\(error)")
        }
    }
}

/// What is asked of the daemon.
struct Request: Sendable {
    var method: HTTPMethod
    var path: String
    var body: String?
    var headers: HTTPHeaders = [:]

    var parts: [HTTPClientRequestPart] {
        // The host is nobody's, but HTTP/1.1 demands one.
        var headers: HTTPHeaders = ["Host": "jobs", "Connection": "close"]
        headers.add(contentsOf: self.headers)
        guard let body else {
            if method != .GET { headers.add(name: "Content-Length", value: "0") }
            return [.head(HTTPRequestHead(version: .http1_1, method: method, uri: path, headers: headers)), .end(nil)]
        }
        headers.add(name: "Content-Type", value: "application/json")
        headers.add(name: "Content-Length", value: String(body.utf8.count))
        return [
            .head(HTTPRequestHead(version: .http1_1, method: method, uri: path, headers: headers)),
            .body(.byteBuffer(ByteBuffer(string: body))), .end(nil),
        ]
    }
}

/// The bytes of an answer as they arrive; the sender is held up while nobody takes them.
public struct ResponseBody: AsyncSequence {
    public typealias Element = [UInt8]

    let iterator: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator

    public struct AsyncIterator: AsyncIteratorProtocol {
        var parts: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator

        public mutating func next() async throws -> [UInt8]? {
            while let part = try await parts.next() {
                switch part {
                case .head: continue
                case .body(let buffer): return Array(buffer.readableBytesView)
                case .end: return nil
                }
            }
            throw ClientError.broken("it was closed in the middle of the answer")
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(parts: iterator) }

    /// Everything, at the end of the answer.
    func all() async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await part in self { bytes += part }
        return bytes
    }
}

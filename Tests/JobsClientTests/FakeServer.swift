// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Synchronization

/// A server that answers with bytes as they stand in the test, in pieces that the test cuts.
final class FakeServer: Sendable {
    /// What a connection does after its request was read: pieces to write one by one; then it is closed.
    typealias Script = @Sendable (_ request: String) -> [Piece]

    enum Piece: Sendable {
        case bytes(String)
        /// Nothing more is written before the client has taken what there is.
        case pause
        /// Waits for what the test does in between.
        case wait(Gate)
    }

    let path: String
    private let descriptor: CInt
    private let seen = Mutex<[String]>([])

    var requests: [String] { seen.withLock { $0 } }

    init(_ script: @escaping Script) throws {
        let path = "/tmp/jobs-client-\(getpid())-\(UInt32.random(in: 0...UInt32.max)).sock"
        self.path = path
        descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let listening = descriptor
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listening, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, listen(descriptor, 16) == 0 else { throw POSIXError(.EADDRINUSE) }
        Thread.detachNewThread { [self] in
            while case let connection = accept(listening, nil, nil), connection >= 0 {
                Thread.detachNewThread { self.serve(connection, script) }
            }
        }
    }

    private func serve(_ connection: CInt, _ script: Script) {
        defer { close(connection) }
        var request = ""
        var buffer = [UInt8](repeating: 0, count: 65536)
        while !isComplete(request) {
            let count = read(connection, &buffer, buffer.count)
            guard count > 0 else { return }
            request += String(decoding: buffer[..<count], as: UTF8.self)
        }
        let whole = request
        seen.withLock { $0.append(whole) }
        for piece in script(whole) {
            switch piece {
            case .bytes(let text):
                let bytes = Array(text.utf8)
                guard send(connection, bytes, bytes.count, CInt(MSG_NOSIGNAL)) == bytes.count else { return }
            case .pause: usleep(20_000)
            case .wait(let gate): gate.pass()
            }
        }
        shutdown(connection, CInt(SHUT_WR))
        // Until the client is done: a close with unread bytes would be a reset.
        while read(connection, &buffer, buffer.count) > 0 {}
    }

    private func isComplete(_ request: String) -> Bool {
        guard let end = request.range(of: "\r\n\r\n") else { return false }
        let head = request[..<end.lowerBound].lowercased()
        guard let length = head.range(of: "content-length: ") else { return true }
        let wanted = Int(head[length.upperBound...].prefix { $0.isNumber }) ?? 0
        return request[end.upperBound...].utf8.count >= wanted
    }

    func stop() {
        shutdown(descriptor, CInt(SHUT_RDWR))
        close(descriptor)
        unlink(path)
    }

    static func answer(_ body: String, status: String = "200 OK") -> [Piece] {
        [
            .bytes(
                "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            )
        ]
    }

    static let streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

    static func chunk(_ text: String) -> String { String(text.utf8.count, radix: 16) + "\r\n\(text)\r\n" }
}

/// Holds a thread until it is opened.
final class Gate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    func open() { semaphore.signal() }
    func pass() { semaphore.wait() }
}

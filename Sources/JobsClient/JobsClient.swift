// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI
import NIOHTTP1

/// The daemon's API from the CLI's end: a request in, a value out.
public struct JobsClient: Sendable {
    public let socket: String
    /// Told each time that an answer has to be waited for.
    var hear: @Sendable (Absence) async -> Void = { _ in }
    /// Whether the daemon's end is waited out.
    var outlasts = false

    public init(socket: String) { self.socket = socket }

    /// Why there is no answer yet.
    public enum Absence: Sendable {
        /// A daemon is starting or ending.
        case unready
        /// The daemon went away, and is expected back.
        case lost(ClientError)
        /// The daemon that was lost, or a later one, takes connections.
        case over
    }

    /// The same, telling of each wait.
    public func hearing(_ hear: @escaping @Sendable (Absence) async -> Void) -> JobsClient {
        var client = self
        client.hear = hear
        return client
    }

    /// The same for a verb that waits anyway: what it asks is asked again if the daemon goes away, or has just gone.
    public var outlastingRestarts: JobsClient {
        var client = self
        client.outlasts = true
        return client
    }

    /// What the server answered, as it is: for `--json`, which prints it.
    public func get(_ path: String) async throws(ClientError) -> JSON {
        guard outlasts else { return try await send(Request(method: .GET, path: path)) }
        return try await throughRestarts { absence in
            await hear(absence)
        } attempt: { () throws(ClientError) in
            try await send(Request(method: .GET, path: path))
        }
    }

    /// Asks and reads the answer as a value of the wire.
    public func get<Value: JSONReadable>(_ path: String, as type: Value.Type = Value.self) async throws(ClientError)
        -> Value
    {
        try value(try await get(path))
    }

    @discardableResult
    public func post(_ path: String, _ body: JSON? = nil) async throws(ClientError) -> JSON {
        try await send(Request(method: .POST, path: path, body: body?.text()))
    }

    @discardableResult
    public func put(_ path: String, _ body: JSON) async throws(ClientError) -> JSON {
        try await send(Request(method: .PUT, path: path, body: body.text()))
    }

    /// Hands the answer's bytes to `body` as they arrive.
    public func stream<Result: Sendable>(
        _ path: String, _ body: @escaping @Sendable (ResponseBody) async throws -> Result
    ) async throws(ClientError) -> Result {
        try await connection.perform(Request(method: .GET, path: path)) { status, bytes in
            guard status < 300 else { throw try await Self.refusal(status, bytes) }
            return try await body(bytes)
        }
    }

    private var connection: Connection { Connection(socket: socket) { [hear] in await hear(.unready) } }

    func send(_ request: Request) async throws(ClientError) -> JSON {
        try await connection.perform(request) { status, bytes in
            guard status < 300 else { throw try await Self.refusal(status, bytes) }
            let body = try await bytes.all()
            guard !body.isEmpty else { return .null }
            do { return try JSON(parsing: String(decoding: body, as: UTF8.self)) } catch {
                throw ClientError.unintelligible("\(error)")
            }
        }
    }

    private static func refusal(_ status: Int, _ body: ResponseBody) async throws -> ClientError {
        let text = String(decoding: try await body.all(), as: UTF8.self)
        let sentence = (try? JSON(parsing: text))?["error"]?.stringValue
        return .refused(status: status, message: sentence ?? "jobsd answered with status \(status)")
    }

    func value<Value: JSONReadable>(_ json: JSON) throws(ClientError) -> Value {
        do throws(WireError) { return try Value(json: json) } catch { throw .unintelligible(error.description) }
    }
}

/// Percent-encodes what stands in a path or a query.
func encoded(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"), UInt8(ascii: ","):
            result.unicodeScalars.append(Unicode.Scalar(byte))
        default:
            let hex = String(byte, radix: 16, uppercase: true)
            result += "%" + (hex.count < 2 ? "0" : "") + hex
        }
    }
    return result
}

// SPDX-License-Identifier: Apache-2.0

/// Takes server-sent events out of bytes that may be cut anywhere.
public struct EventParser: Sendable {
    /// One event: its name, `message` if it has none, and its data.
    public struct Event: Hashable, Sendable {
        public var name: String
        public var data: String

        public init(name: String, data: String) {
            self.name = name
            self.data = data
        }
    }

    /// Bytes of a line whose end has not arrived.
    private var line: [UInt8] = []
    private var name = ""
    private var data: [String] = []
    /// A line ended with a carriage return: a line feed that follows belongs to it.
    private var afterReturn = false

    public init() {}

    /// The events that `bytes` complete.
    public mutating func feed(_ bytes: [UInt8]) -> [Event] {
        var events: [Event] = []
        for byte in bytes {
            let isPair = afterReturn && byte == 10
            afterReturn = byte == 13
            if isPair { continue }
            guard byte == 10 || byte == 13 else {
                line.append(byte)
                continue
            }
            if let event = take(String(decoding: line, as: UTF8.self)) { events.append(event) }
            line.removeAll(keepingCapacity: true)
        }
        return events
    }

    private mutating func take(_ line: String) -> Event? {
        if line.isEmpty {
            defer {
                name = ""
                data = []
            }
            return data.isEmpty
                ? nil : Event(name: name.isEmpty ? "message" : name, data: data.joined(separator: "\n"))
        }
        // A comment: the server's heartbeat.
        if line.hasPrefix(":") { return nil }
        let field = line.prefix { $0 != ":" }
        var value = line.dropFirst(field.count + 1)
        if value.first == " " { value.removeFirst() }
        switch field {
        case "event": name = String(value)
        case "data": data.append(String(value))
        default: break
        }
        return nil
    }
}

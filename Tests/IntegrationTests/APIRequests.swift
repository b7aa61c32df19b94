// SPDX-License-Identifier: Apache-2.0
import Foundation
import JobModel

/// Requests made from an OpenAPI document, such as it allows and such as it does not, and what is wrong with their answers.
struct APIRequests {
    struct Operation {
        var method: String
        var path: String
        var description: JSON
    }

    struct Request {
        var text: String
        /// Whether it keeps to the document, so that it is not to be called wrong.
        var isValid: Bool
        /// An answer that goes on.
        var isEndless: Bool
    }

    let operations: [Operation]
    private let document: JSON
    private let knownJob: Int
    private var state: UInt64

    init(_ document: JSON, seed: UInt64, knownJob: Int) {
        self.document = document
        self.knownJob = knownJob
        state = seed
        operations = (document["paths"]?.objectValue ?? []).flatMap { path in
            (path.value.objectValue ?? []).map {
                Operation(method: $0.key.uppercased(), path: path.key, description: $0.value)
            }
        }
    }

    func has(_ method: String, _ path: String) -> Bool {
        operations.contains { $0.method == method && $0.path == path }
    }

    // MARK: Requests

    private mutating func random(_ count: Int) -> Int {
        // xorshift64: the same requests each time.
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(count))
    }

    mutating func next(for operation: Operation) -> Request {
        var path = operation.path
        var query: [String] = []
        var headers = ""
        var isValid = true
        for parameter in operation.description["parameters"]?.arrayValue ?? [] {
            let name = parameter["name"]?.stringValue ?? ""
            let isWrong = random(6) == 0
            let value = isWrong ? wrong() : text(for: resolve(parameter["schema"] ?? .null), name)
            let encoded = value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            if parameter["in"]?.stringValue == "path" {
                // An empty part makes another path.
                guard !encoded.isEmpty else { continue }
                path = path.replacingOccurrences(of: "{\(name)}", with: encoded)
                isValid = isValid && !isWrong
            } else if parameter["in"]?.stringValue == "header" {
                // A line of its own cannot be made of every word.
                guard random(3) == 0, value.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else { continue }
                headers += "\(name): \(value)\r\n"
                isValid = isValid && !isWrong
            } else if random(3) == 0 {
                query.append("\(name)=\(encoded)")
                isValid = isValid && !isWrong
            }
        }
        var body = ""
        if let content = operation.description["requestBody"] {
            let schema = resolve(content["content"]?["application/json"]?["schema"] ?? .null)
            switch random(4) {
            case 0:
                isValid = false
                body =
                    [
                        "{", "[]", "null", "\"x\"", "{\"parallel\":-1}", "{\"a\":1}", "\u{0}",
                        "{\"job\":{},\"directory\":7}",
                    ][random(8)]
            case 1 where content["required"]?.boolValue != true: body = ""
            default: body = value(for: schema, "").text()
            }
        }
        let target = path + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
        let isEndless =
            operation.path == "/v1/events" || query.contains("follow=1") && operation.path.hasSuffix("{stream}")
        return Request(
            text:
                "\(operation.method) \(target) HTTP/1.1\r\nHost: j\r\nConnection: close\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)",
            isValid: isValid, isEndless: isEndless)
    }

    private mutating func wrong() -> String {
        [
            "", "x", "-1", "0", "99999999999999999999", "9223372036854775807", "1.5", "\u{0}", "é/../", "a,b", "1-",
            "5-1",
            String(repeating: "9,", count: 500), "true", " 1",
        ][random(15)]
    }

    private mutating func text(for schema: JSON, _ name: String) -> String {
        switch value(for: schema, name) {
        case .string(let text): text
        case let other: other.text()
        }
    }

    /// A value that the schema allows.
    private mutating func value(for schema: JSON, _ name: String) -> JSON {
        let schema = resolve(schema)
        if let words = schema["enum"]?.arrayValue { return words[random(words.count)] }
        switch schema["type"]?.arrayValue?[random(schema["type"]?.arrayValue?.count ?? 1)].stringValue
            ?? schema["type"]?.stringValue
        {
        case "integer":
            let least = schema["minimum"]?.intValue ?? 0
            let most = schema["maximum"]?.intValue ?? (name == "id" ? knownJob + 2 : 1 << 40)
            return .int([least, most, min(most, max(least, 1)), min(most, max(least, knownJob))][random(4)])
        case "boolean": return .bool(random(2) == 0)
        case "null": return .null
        case "array":
            return .array(
                (0..<random(3) + (schema["minItems"]?.intValue ?? 0)).map { _ in
                    value(for: schema["items"] ?? .null, "")
                })
        case "object":
            let required = schema["required"]?.arrayValue?.compactMap(\.stringValue) ?? []
            var members: [JSON.Member] = []
            for property in schema["properties"]?.objectValue ?? []
            where required.contains(property.key) || random(2) == 0 {
                members.append(.init(key: property.key, value: value(for: property.value, property.key)))
            }
            return .object(members)
        default:
            switch (schema["pattern"]?.stringValue, schema["format"]?.stringValue, name) {
            case ("^/", _, _): return .string("/")
            case (_?, _, "state"): return .string(["failed", "running,held"][random(2)])
            case (_?, _, _): return .string(["1", "1,2", "3"][random(3)])
            case (_, "date-time", _): return .string("2026-11-24T20:59:19.438685Z")
            case (_, _, "text"):
                return .string(["command: [\"true\"]", "command: true\nlimits: {memory: 1}", "{", ""][random(4)])
            case (_, _, "owner"): return .string("root")
            default: return .string(["a", "gpu", "ü", "a b"][random(4)])
            }
        }
    }

    private func resolve(_ schema: JSON) -> JSON {
        guard let name = schema["$ref"]?.stringValue?.split(separator: "/").last else { return schema }
        return document["components"]?["schemas"]?[String(name)] ?? .null
    }

    // MARK: Answers

    /// What the document does not say of this answer; `nil` if it says all of it.
    func problem(of answer: String, to operation: Operation, isValid: Bool) -> String? {
        let halves = answer.components(separatedBy: "\r\n\r\n")
        let head = halves[0].lowercased()
        guard let status = head.split(separator: " ").dropFirst().first.map(String.init) else { return "no answer" }
        guard let response = operation.description["responses"]?[status] else {
            // A parameter of a path may look like another path.
            return status == "404" || status == "405"
                ? (isValid ? "undocumented \(status)" : nil) : "undocumented \(status)"
        }
        guard let content = response["content"]?.objectValue?.first else { return "no content is documented" }
        let type = head.components(separatedBy: "\r\n").first { $0.hasPrefix("content-type:") } ?? ""
        let isStream = content.key == "text/plain" && type.contains("application/octet-stream")
        guard type.contains(content.key) || isStream else { return "documented as \(content.key)" }
        guard content.key == "application/json" else { return nil }
        let body = halves.dropFirst().joined(separator: "\r\n\r\n")
        guard let json = try? JSON(parsing: body) else { return "no JSON" }
        return violation(of: content.value["schema"] ?? .null, by: json, "body")
    }

    private func violation(of schema: JSON, by value: JSON, _ place: String) -> String? {
        let schema = resolve(schema)
        let types =
            schema["type"]?.arrayValue?.compactMap(\.stringValue) ?? [schema["type"]?.stringValue].compactMap { $0 }
        if !types.isEmpty, !types.contains(where: { Self.isA($0, value) }) { return "\(place) is no \(types)" }
        if let words = schema["enum"]?.arrayValue, !words.contains(value) { return "\(place) is none of \(words)" }
        if let least = schema["minimum"]?.intValue, let number = value.intValue, number < least {
            return "\(place) is below \(least)"
        }
        let keys = Set(value.objectValue?.map(\.key) ?? [])
        for name in schema["required"]?.arrayValue?.compactMap(\.stringValue) ?? [] where !keys.contains(name) {
            return "\(place) lacks \(name)"
        }
        for property in schema["properties"]?.objectValue ?? [] {
            guard let member = value[property.key] else { continue }
            if let found = violation(of: property.value, by: member, place + "." + property.key) { return found }
        }
        if let items = schema["items"] {
            for (index, item) in (value.arrayValue ?? []).enumerated() {
                if let found = violation(of: items, by: item, "\(place)[\(index)]") { return found }
            }
        }
        return nil
    }

    private static func isA(_ type: String, _ value: JSON) -> Bool {
        switch type {
        case "integer": value.intValue != nil
        case "number": value.doubleValue != nil
        case "string": value.stringValue != nil
        case "boolean": value.boolValue != nil
        case "array": value.arrayValue != nil
        case "object": value.objectValue != nil
        default: value == .null
        }
    }
}

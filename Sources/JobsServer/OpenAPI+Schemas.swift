// SPDX-License-Identifier: Apache-2.0
import JobFile
import JobModel
import JobsAPI
import Queue

/// What requests and answers consist of, as JSON Schema.
extension OpenAPI {
    static let string: JSON = .object(["type": "string"])
    static let boolean: JSON = .object(["type": "boolean"])
    static let anyObject: JSON = .object(["type": "object"])
    static let flag = words(["0", "1"])
    static let moment: JSON = .object(["type": "string", "format": "date-time"])
    static let listOfStates: JSON = {
        let state = "(" + JobState.allCases.map(\.rawValue).joined(separator: "|") + ")"
        return pattern("^\(state)(,\(state))*$")
    }()

    /// Beyond 2^53 a number of JSON is not the same for every reader (RFC 8259).
    static func number(from least: Int, to most: Int = 1 << 53) -> JSON {
        .object(["type": "integer", "minimum": .int(least), "maximum": .int(most)])
    }

    static func words(_ words: [String]) -> JSON {
        .object(["type": "string", "enum": .array(words.map { .string($0) })])
    }

    static func pattern(_ expression: String) -> JSON { .object(["type": "string", "pattern": .string(expression)]) }

    static func list(of items: JSON) -> JSON { .object(["type": "array", "items": items]) }

    static func reference(_ name: String) -> JSON {
        .object([.init(key: "$ref", value: .string("#/components/schemas/\(name)"))])
    }

    /// With all of these.
    static func object(_ properties: KeyValuePairs<String, JSON>) -> JSON {
        object(properties.map { .init(key: $0.key, value: $0.value) }, required: properties.map(\.key))
    }

    /// - Parameter isOpen: others may be there, too.
    private static func object(_ properties: [JSON.Member], required: [String], isOpen: Bool = true) -> JSON {
        .object(
            [
                .init(key: "type", value: "object"),
                .init(key: "required", value: .array(required.map { .string($0) })),
                .init(key: "properties", value: .object(properties)),
            ] + (isOpen ? [] : [.init(key: "additionalProperties", value: .bool(false))]))
    }

    /// With all of these, and no others.
    static func closed(_ properties: KeyValuePairs<String, JSON>) -> JSON {
        object(
            properties.map { .init(key: $0.key, value: $0.value) }, required: properties.map(\.key), isOpen: false)
    }

    static let groupSchema = closed([
        "parallel": .object(["type": .array(["integer", "null"]), "minimum": .int(0), "maximum": .int(1 << 53)])
    ])

    static let schemas: [JSON.Member] = [
        .init(key: "Error", value: object(["error": string])),
        .init(
            key: "Submission",
            value: object(
                [
                    .init(key: "job", value: reference("Source")),
                    .init(key: "directory", value: pattern("^/")),
                    .init(
                        key: "environment",
                        value: .object(["type": "object", "additionalProperties": string])),
                    .init(key: "umask", value: .object(["type": .array(["integer", "null"])])),
                    .init(key: "rlimits", value: anyObject), .init(key: "hard_rlimits", value: anyObject),
                ], required: ["job", "directory"])),
        .init(
            key: "Source",
            value: object(
                [
                    .init(key: "text", value: string), .init(key: "path", value: string),
                    .init(key: "executable", value: boolean), .init(key: "arguments", value: list(of: string)),
                    .init(
                        key: "flags",
                        value: list(
                            of: .object([
                                "type": "array", "minItems": .int(1), "maxItems": .int(2),
                                "items": .object(["type": .array(["string", "null"])]),
                            ]))),
                ], required: ["text"])),
        .init(key: "Submitted", value: object(["id": number(from: 1), "count": number(from: 1)])),
        .init(
            key: "Account",
            value: object([
                "job": reference("Job"), "spec": nullable("object"), "live": nullable("object"),
                "attempts": list(of: anyObject),
            ])),
        .init(
            key: "Job",
            value: object(
                JobView.keys.map { .init(key: $0, value: jobSchema(of: $0)) }, required: JobView.keys)),
        .init(
            key: "Change",
            value: object([
                "job": number(from: 1), "at": moment, "state": states, "cause": nullable("string"),
                "attempt": nullable("integer"), "detail": nullable("string"),
            ])),
        .init(
            key: "Daemon",
            value: object([
                "version": string, "pid": number(from: 1), "state_directory": string, "draining": boolean,
                "memory_total_bytes": number(from: 0), "memory_free_bytes": .object(["type": "integer"]),
                "cpus_total": .object(["type": "number"]), "cpus_free": .object(["type": "number"]),
                "running": number(from: 0), "pending": number(from: 0), "groups": list(of: anyObject),
            ])),
    ]

    private static let states = words(JobState.allCases.map(\.rawValue))

    private static func nullable(_ type: JSON) -> JSON { .object(["type": .array([type, "null"])]) }

    private static func jobSchema(of key: String) -> JSON {
        switch key {
        case "id": number(from: 1)
        case "name", "owner", "group", "submitted_at": string
        case "state": states
        case "priority", "attempt", "attempts_max": .object(["type": "integer"])
        case "cpus": nullable("number")
        case "reason", "cause", "message", "after", "command", "begin", "started_at", "ended_at": nullable("string")
        default: nullable("integer")
        }
    }
}

extension Order.Verb {
    private var properties: [JSON.Member] {
        switch self {
        case .cancel: [.init(key: "now", value: OpenAPI.boolean)]
        case .release:
            [
                .init(
                    key: "memory_bytes",
                    value: OpenAPI.number(from: Limits.leastMemory.bytes, to: ByteCount.largest.bytes))
            ]
        case .hold, .suspend, .resume, .retry: []
        }
    }

    var bodySchema: JSON {
        .object(["type": "object", "properties": .object(properties), "additionalProperties": .bool(false)])
    }

    var bulkSchema: JSON {
        let jobs = JSON.object(["type": "array", "items": OpenAPI.string, "minItems": .int(1)])
        return .object([
            "type": "object", "required": .array(["jobs"]),
            "properties": .object([.init(key: "jobs", value: jobs)] + properties), "additionalProperties": .bool(false),
        ])
    }
}

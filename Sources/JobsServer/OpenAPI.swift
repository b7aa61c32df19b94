// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI

/// The description of the API that it serves itself, OpenAPI 3.1.
package enum OpenAPI {
    package struct Operation: Sendable {
        package var method: String
        package var path: String
        var summary: String
        var query: [(String, String)] = []
        var success = "200"
        var failures: [String] = []
    }

    package static let operations: [Operation] =
        [
            Operation(method: "get", path: "/v1/openapi.json", summary: "This document."),
            Operation(method: "get", path: "/v1/daemon", summary: "The machine as admission sees it, and the groups."),
            Operation(
                method: "post", path: "/v1/drain", summary: "Start nothing new; what runs goes on.", failures: ["403"]),
            Operation(method: "post", path: "/v1/undrain", summary: "Start jobs again.", failures: ["403"]),
            Operation(
                method: "put", path: "/v1/groups",
                summary: "Whether jobs of groups that nobody has made are refused: {\"strict\": true}.",
                failures: ["400", "403"]),
            Operation(
                method: "post", path: "/v1/groups/{name}",
                summary: "Make a group without a limit; one that is there stays as it is.", failures: ["400", "403"]),
            Operation(
                method: "put", path: "/v1/groups/{name}",
                summary: "How many jobs of a group run at once: {\"parallel\": 2}, null for no limit.",
                failures: ["400", "403"]),
            Operation(
                method: "post", path: "/v1/jobs", summary: "Queue a job. The answer says that it is on disk.",
                success: "201", failures: ["400", "403", "413", "503"]),
            Operation(
                method: "get", path: "/v1/jobs", summary: "Jobs, the newest first.",
                query: [
                    ("live", "1: only those that have not ended"), ("state", "states, separated by commas"),
                    ("name", "of this name"), ("owner", "of this user"), ("group", "of this group"),
                    ("array", "of this array"), ("ids", "ranges such as 1-5,9"),
                    ("select", "what a word selects: 42, 42-50, 42[3] or a name; an array's id is the whole array"),
                    ("since", "ended at or after this moment (RFC 3339)"), ("limit", "at most so many, 1000"),
                    ("before", "only ids below this, for the next page"),
                    ("order", "newest, or start: by priority, then the oldest first; without pages"),
                ], failures: ["400", "404"]),
            Operation(
                method: "get", path: "/v1/counts", summary: "How many jobs there are, by state.",
                query: [
                    ("since", "count those that ended at or after this moment (RFC 3339)"),
                    ("arrays", "count the jobs of these arrays: ids, separated by commas"),
                ], failures: ["400"]),
            Operation(
                method: "get", path: "/v1/jobs/{id}",
                summary: "One job with the records of its attempts; records and job file only for its owner and root.",
                failures: ["404"]),
            Operation(
                method: "get", path: "/v1/jobs/{id}/history", summary: "Every change of state.", failures: ["404"]),
            Operation(
                method: "get", path: "/v1/jobs/{id}/output/{stream}", summary: "The kept stdout or stderr, as text.",
                query: [
                    ("attempt", "the newest if left out"), ("offset", "from this byte on"), ("tail", "the last bytes"),
                    ("follow", "1: go on until the attempt has ended"),
                    (
                        "framed",
                        "1: before each piece a line `NEXT LENGTH` with the offset to go on from, and `0 0` at the end"
                    ),
                ], failures: ["403", "404"]),
            Operation(
                method: "get", path: "/v1/events",
                summary: "Server-sent events: `state` for each change, `live` with what a job uses now.",
                query: [("job", "only these ids"), ("live", "1: figures of running jobs twice a second")]),
        ]
        + Order.Verb.allCases.flatMap { verb in
            [
                Operation(
                    method: "post", path: "/v1/jobs/{id}/\(verb.rawValue)",
                    summary: "\(verb.rawValue.capitalizedFirst) a job.\(verb.bodyDescription)",
                    failures: ["400", "403", "404", "409", "503"]),
                Operation(
                    method: "post", path: "/v1/jobs/\(verb.rawValue)",
                    summary: "\(verb.rawValue.capitalizedFirst) all jobs that words select, in one commit: "
                        + "{\"jobs\": [\"42-50\", \"step\"]}. The answer says what came of it.\(verb.bodyDescription)",
                    failures: ["400", "503"]),
            ]
        }

    static let document: JSON = .object([
        "openapi": "3.1.0",
        "info": .object([
            "title": "jobsd", "version": "1",
            "description":
                "HTTP over a Unix socket. Who asks is known by SO_PEERCRED: everybody sees states, owners and root do the rest.",
        ]),
        "paths": .object(paths),
        "components": .object([
            "schemas": .object([
                "Job": .object([
                    "type": "object",
                    "properties": .object(
                        JobView.keys.map { .init(key: $0, value: .object([:])) }),
                ]),
                "Error": .object([
                    "type": "object", "required": ["error"],
                    "properties": .object(["error": .object(["type": "string"])]),
                ]),
            ])
        ]),
    ])

    private static var paths: [JSON.Member] {
        var order: [String] = []
        var byPath: [String: [JSON.Member]] = [:]
        for operation in operations {
            if byPath[operation.path] == nil { order.append(operation.path) }
            byPath[operation.path, default: []].append(.init(key: operation.method, value: describe(operation)))
        }
        return order.map { .init(key: $0, value: .object(byPath[$0] ?? [])) }
    }

    private static func describe(_ operation: Operation) -> JSON {
        let inPath = operation.path.split(separator: "/").filter { $0.hasPrefix("{") }.map {
            String($0.dropFirst().dropLast())
        }
        let parameters =
            inPath.map { parameter($0, "path", required: true, nil) }
            + operation.query.map { parameter($0.0, "query", required: false, $0.1) }
        var responses: [JSON.Member] = [
            .init(key: operation.success, value: .object(["description": "done"]))
        ]
        for code in operation.failures {
            responses.append(
                .init(
                    key: code,
                    value: .object([
                        "description": "refused, with the reason and the remedy",
                        "content": .object([
                            "application/json": .object([
                                "schema": .object(["$ref": "#/components/schemas/Error"])
                            ])
                        ]),
                    ])))
        }
        return .object([
            "summary": .string(operation.summary), "parameters": .array(parameters), "responses": .object(responses),
        ])
    }

    private static func parameter(_ name: String, _ place: String, required: Bool, _ description: String?) -> JSON {
        .object([
            "name": .string(name), "in": .string(place), "required": .bool(required),
            "description": .string(description ?? "the \(name)"), "schema": .object(["type": "string"]),
        ])
    }
}

extension Order.Verb {
    fileprivate var bodyDescription: String {
        switch self {
        case .cancel: " The body may be {\"now\": true}: no grace period."
        case .release: " The body may be {\"memory_bytes\": N}: the limit of its next attempt."
        case .hold, .suspend, .resume, .retry: ""
        }
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}

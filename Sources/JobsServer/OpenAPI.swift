// SPDX-License-Identifier: Apache-2.0
import JobFile
import JobModel
import JobsAPI
import Queue

/// The description of the API that it serves itself, OpenAPI 3.1. A test sends what it allows and what it does not, and holds
/// the answers against it.
package enum OpenAPI {
    struct Operation: Sendable {
        var method: String
        var path: String
        var summary: String
        var query: [Parameter] = []
        var headers: [Parameter] = []
        var body: Body?
        var success = Success()
        /// Beside those that every operation has.
        var failures: [Int] = []
    }

    struct Parameter: Sendable {
        var name: String
        var description: String
        var schema: JSON

        init(_ name: String, _ schema: JSON, _ description: String) {
            (self.name, self.schema, self.description) = (name, schema, description)
        }
    }

    struct Body: Sendable {
        var schema: JSON
        var isRequired = false
    }

    struct Success: Sendable {
        var status = 200
        /// Each of them with the same schema.
        var types = ["application/json"]
        var schema: JSON = .object(["type": "object"])
    }

    static let operations: [Operation] =
        [
            Operation(method: "get", path: "/v1/openapi.json", summary: "This document."),
            Operation(
                method: "get", path: "/v1/daemon", summary: "The machine as admission sees it, and the groups.",
                success: Success(schema: reference("Daemon"))),
            Operation(
                method: "post", path: "/v1/drain", summary: "Start nothing new; what runs goes on.",
                success: Success(schema: reference("Daemon"))),
            Operation(
                method: "post", path: "/v1/undrain", summary: "Start jobs again.",
                success: Success(schema: reference("Daemon"))),
            Operation(
                method: "put", path: "/v1/groups", summary: "Whether jobs of groups that nobody has made are refused.",
                body: Body(schema: closed(["strict": boolean]), isRequired: true),
                success: Success(schema: reference("Daemon")), failures: [413, 429]),
            Operation(
                method: "post", path: "/v1/groups/{name}",
                summary: "Make a group without a limit; one that is there stays as it is.",
                success: Success(schema: reference("Daemon"))),
            Operation(
                method: "put", path: "/v1/groups/{name}", summary: "How many jobs of a group run at once.",
                body: Body(schema: groupSchema, isRequired: true), success: Success(schema: reference("Daemon")),
                failures: [413, 429]),
            Operation(
                method: "post", path: "/v1/jobs", summary: "Queue a job. The answer says that it is on disk.",
                headers: [
                    Parameter(
                        SubmissionKey.header, pattern(#"^[!#-\[\]-~]{1,128}$"#),
                        "a word of the client's: a request that comes again with it within a day is queued once and has the first answer"
                    )
                ],
                body: Body(schema: reference("Submission"), isRequired: true),
                success: Success(status: 201, schema: reference("Submitted")), failures: [413, 422, 429]),
            Operation(
                method: "get", path: "/v1/jobs", summary: "Jobs, the newest first.",
                query: [
                    Parameter("live", flag, "1: only those that have not ended"),
                    Parameter("state", listOfStates, "states, separated by commas"),
                    Parameter("name", string, "of this name"), Parameter("owner", string, "of this user"),
                    Parameter("group", string, "of this group"), Parameter("array", number(from: 1), "of this array"),
                    Parameter(
                        "ids", pattern(#"^[0-9]{1,15}(-[0-9]{1,15})?(,[0-9]{1,15}(-[0-9]{1,15})?)*$"#),
                        "ranges such as 1-5,9"),
                    Parameter(
                        "select", string,
                        "what a word selects: 42, 42-50, 42[3] or a name; an array's id is the whole array"),
                    Parameter("since", moment, "ended at or after this moment (RFC 3339)"),
                    Parameter("limit", number(from: 1, to: 10_000), "at most so many, 1000"),
                    Parameter("before", number(from: 0), "only ids below this, for the next page"),
                    Parameter(
                        "order", words(["newest", "start"]),
                        "newest, or start: by priority, then the oldest first; without pages"),
                ], success: Success(schema: object(["jobs": list(of: reference("Job")), "more": boolean])),
                failures: [404]),
            Operation(
                method: "get", path: "/v1/counts", summary: "How many jobs there are, by state.",
                query: [
                    Parameter("since", moment, "count those that ended at or after this moment (RFC 3339)"),
                    Parameter(
                        "arrays", pattern("^([0-9]{1,15}(,[0-9]{1,15}){0,199})?$"),
                        "count the jobs of these arrays: ids, separated by commas"),
                ],
                success: Success(
                    schema: object([
                        "live": anyObject, "ended": number(from: 0), "draining": boolean, "arrays": list(of: anyObject),
                    ]))),
            Operation(
                method: "get", path: "/v1/jobs/{id}",
                summary:
                    "One job with the records of its newest attempts; records and job file only for its owner and root.",
                success: Success(schema: reference("Account")), failures: [404]),
            Operation(
                method: "get", path: "/v1/jobs/{id}/history", summary: "Every change of state, the first one first.",
                query: [
                    Parameter("limit", number(from: 1, to: 10_000), "at most so many, 1000"),
                    Parameter("after", number(from: 0), "where the page before ended: its `next`"),
                ],
                success: Success(
                    schema: object([
                        "changes": list(of: reference("Change")),
                        "next": .object(["type": .array(["integer", "null"])]),
                    ])), failures: [404]),
            Operation(
                method: "get", path: "/v1/jobs/{id}/output/{stream}", summary: "The kept stdout or stderr, as text.",
                query: [
                    Parameter("attempt", number(from: 1), "the newest if left out"),
                    Parameter("offset", number(from: 0), "from this byte on"),
                    Parameter("tail", number(from: 0), "the last bytes"),
                    Parameter("follow", flag, "1: go on until the attempt has ended"),
                    Parameter(
                        "framed", flag,
                        "1: before each piece a line `NEXT LENGTH` with the offset to go on from, and `0 0` at the end; the type is then application/octet-stream"
                    ),
                ], success: Success(types: ["text/plain", "application/octet-stream"], schema: string),
                failures: [404, 429]),
            Operation(
                method: "get", path: "/v1/events",
                summary: "Server-sent events: `state` for each change, `live` with what a job uses now.",
                query: [
                    Parameter("job", string, "only these ids"),
                    Parameter("live", flag, "1: figures of running jobs twice a second"),
                ], success: Success(types: ["text/event-stream"], schema: string), failures: [429]),
        ]
        + Order.Verb.allCases.flatMap { verb in
            [
                Operation(
                    method: "post", path: "/v1/jobs/{id}/\(verb.rawValue)",
                    summary: "\(verb.rawValue.capitalizedFirst) a job.", body: Body(schema: verb.bodySchema),
                    success: Success(schema: reference("Account")), failures: [404, 409, 413, 429]),
                Operation(
                    method: "post", path: "/v1/jobs/\(verb.rawValue)",
                    summary:
                        "\(verb.rawValue.capitalizedFirst) all jobs that words select, in one commit. The answer says what came of it.",
                    body: Body(schema: verb.bulkSchema, isRequired: true), failures: [413, 429]),
            ]
        }

    /// The methods of a path, as it was asked for; empty if there is no such path.
    static func methods(of path: String) -> [String] {
        let exact = operations.filter { $0.path == path }
        // A word where others have an id is not one.
        guard exact.isEmpty else { return exact.map { $0.method.uppercased() } }
        let asked = path.split(separator: "/", omittingEmptySubsequences: false)
        return operations.filter { operation in
            let parts = operation.path.split(separator: "/", omittingEmptySubsequences: false)
            return parts.count == asked.count && zip(parts, asked).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }.map { $0.method.uppercased() }
    }

    // MARK: The document

    static let document: JSON = .object([
        "openapi": "3.1.0",
        "info": .object([
            "title": "jobsd", "version": "1",
            "description":
                "HTTP over a Unix socket. Who asks is known by SO_PEERCRED: everybody sees states, owners and root do the rest.",
        ]),
        "paths": .object(paths),
        "components": .object(["schemas": .object(schemas)]),
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

    /// What any request may be answered with.
    private static let failures: [(status: Int, when: String)] = [
        (400, "the request is wrong"), (403, "not yours, only for root, from inside a job, or for a web page"),
        (404, "there is no such thing"), (409, "it is in no state for that"), (413, "the body is too large"),
        (422, "the key was used for another submission"), (429, "you have as much as one user may; wait, or end some"),
        (503, "jobsd cannot do it now"),
    ]

    private static func describe(_ operation: Operation) -> JSON {
        let inPath = operation.path.split(separator: "/").filter { $0.hasPrefix("{") }.map {
            String($0.dropFirst().dropLast())
        }
        let parameters =
            inPath.map { parameter(Parameter($0, pathSchema(of: $0), "the \($0)"), "path", required: true) }
            + operation.query.map { parameter($0, "query", required: false) }
            + operation.headers.map { parameter($0, "header", required: false) }
        var responses = [
            JSON.Member(
                key: "\(operation.success.status)",
                value: answer("done", operation.success.types, operation.success.schema))
        ]
        for (status, when) in failures where [400, 403, 503].contains(status) || operation.failures.contains(status) {
            responses.append(.init(key: "\(status)", value: answer(when, ["application/json"], reference("Error"))))
        }
        var members: [JSON.Member] = [
            .init(key: "summary", value: .string(operation.summary)),
            .init(key: "parameters", value: .array(parameters)),
        ]
        if let body = operation.body {
            members.append(
                .init(
                    key: "requestBody",
                    value: .object([
                        "required": .bool(body.isRequired),
                        "content": .object(["application/json": .object(["schema": body.schema])]),
                    ])))
        }
        return .object(members + [.init(key: "responses", value: .object(responses))])
    }

    private static func answer(_ description: String, _ types: [String], _ schema: JSON) -> JSON {
        .object([
            "description": .string(description),
            "content": .object(types.map { .init(key: $0, value: .object(["schema": schema])) }),
        ])
    }

    private static func parameter(_ parameter: Parameter, _ place: String, required: Bool) -> JSON {
        .object([
            "name": .string(parameter.name), "in": .string(place), "required": .bool(required),
            "description": .string(parameter.description), "schema": parameter.schema,
        ])
    }

    private static func pathSchema(of name: String) -> JSON {
        switch name {
        case "id": number(from: 1)
        case "stream": words(["stdout", "stderr"])
        // NameRule, which counts bytes.
        case "name":
            .object([
                "type": "string", "minLength": .int(1), "maxLength": .int(128),
                "pattern": #"^[^/\u0000-\u001f\u007f-\u009f]+$"#,
            ])
        default: string
        }
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}

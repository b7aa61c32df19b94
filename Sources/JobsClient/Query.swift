// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI
import NIOHTTP1

/// Which jobs `GET /v1/jobs` shall list.
public struct JobQuery: Hashable, Sendable {
    /// Only those that have not ended.
    public var live = false
    public var states: [JobState] = []
    public var name: String?
    public var owner: String?
    public var ids: String?
    /// Only those that a word selects, as ``JobReference`` says.
    public var select: String?
    public var group: String?
    /// Only the jobs of the array that this id names.
    public var array: Int?
    /// Only those that ended at or after this moment, in RFC 3339.
    public var since: String?
    /// Those first that will start first, of no more than one page.
    public var startFirst = false
    /// No more than this; everything if `nil`.
    public var limit: Int?

    public init() {}

    /// How many one request asks for when all are wanted.
    static let page = 2_000

    func path(before: Int?, limit: Int) -> String {
        var items: [(String, String)] = []
        if live { items.append(("live", "1")) }
        if !states.isEmpty { items.append(("state", states.map(\.rawValue).joined(separator: ","))) }
        if let name { items.append(("name", name)) }
        if let owner { items.append(("owner", owner)) }
        if let ids { items.append(("ids", ids)) }
        if let select { items.append(("select", select)) }
        if let group { items.append(("group", group)) }
        if let array { items.append(("array", "\(array)")) }
        if let since { items.append(("since", since)) }
        if startFirst { items.append(("order", "start")) }
        items.append(("limit", "\(limit)"))
        if let before { items.append(("before", "\(before)")) }
        return "/v1/jobs?" + items.map { "\($0.0)=\(encoded($0.1))" }.joined(separator: "&")
    }
}

extension JobsClient {
    /// The jobs of a query, newest first, page by page.
    public func jobs(_ query: JobQuery) async throws(ClientError) -> [JobView] {
        var jobs: [JobView] = []
        while true {
            let wanted = min(query.limit.map { $0 - jobs.count } ?? JobQuery.page, JobQuery.page)
            guard wanted > 0 else { return jobs }
            let answer = try await get(query.path(before: jobs.last?.id, limit: wanted))
            let page = answer["jobs"]?.arrayValue ?? []
            for entry in page { jobs.append(try value(entry)) }
            guard answer["more"]?.boolValue == true, !page.isEmpty else { return jobs }
        }
    }

    /// How many jobs there are, those that ended since a moment, and the jobs of some arrays.
    public func counts(since: String, arrays: [Int]) async throws(ClientError) -> CountsView {
        let list = arrays.map(String.init).joined(separator: ",")
        return try await get("/v1/counts?since=\(encoded(since))" + (list.isEmpty ? "" : "&arrays=\(list)"))
    }

    /// One job's list entry, in one piece with its specification, live figures and attempts.
    public func account(of id: Int) async throws(ClientError) -> JSON { try await get("/v1/jobs/\(id)") }

    public func job(_ id: Int) async throws(ClientError) -> JobView {
        try value(try await account(of: id)["job"] ?? .null)
    }

    public func history(of id: Int) async throws(ClientError) -> [StateChange] {
        var changes: [StateChange] = []
        var page = ""
        while true {
            let answer = try await get("/v1/jobs/\(id)/history\(page)")
            for entry in answer["changes"]?.arrayValue ?? [] { changes.append(try value(entry)) }
            guard let next = answer["next"]?.intValue else { return changes }
            page = "?after=\(next)"
        }
    }

    /// Limits how many jobs of a group run at once; `nil` lifts the limit.
    public func setParallel(_ parallel: Int?, ofGroup name: String) async throws(ClientError) {
        try await put("/v1/groups/\(encoded(name))", .object(["parallel": .int(parallel)]))
    }

    /// Makes a group; one that is there stays as it is.
    public func createGroup(_ name: String) async throws(ClientError) { try await post("/v1/groups/\(encoded(name))") }

    /// Queues what is submitted.
    ///
    /// - Parameter key: a word that no other submission of this user has: sent again with it after a ``ClientError/isLoss``,
    ///   it is queued once, also by the next daemon.
    /// - Returns: the daemon's answer, which is the same each time.
    public func submit(_ submission: Submission, key: String) async throws(ClientError) -> Submitted {
        var request = Request(method: .POST, path: "/v1/jobs", body: submission.json.text())
        request.headers.add(name: "Idempotency-Key", value: "\"\(key)\"")
        return try value(try await send(request))
    }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import HTTPTypes
import Hummingbird
import JobFile
import JobModel
import JobStore
import JobsAPI
import Linux
import NIOCore
import Queue
import Supervisor

/// What the API can be asked; each route is documented in ``OpenAPI``, and a test holds the two together.
struct Routes: Sendable {
    let dispatcher: Dispatcher
    /// Of answers that go on: events and output that is followed.
    let streams = PermitPool(limit: 256)
    /// Bytes of bodies that are being sent or understood.
    let bodies = PermitPool(limit: 4 * APIContext.largestRequest, ofAll: 16 * APIContext.largestRequest)
    let intake = Intake()
    let submitters: Submitters

    init(dispatcher: Dispatcher) {
        self.dispatcher = dispatcher
        submitters = Submitters(directory: dispatcher.settings.stateDirectory)
    }

    func add(to router: Router<APIContext>) {
        router.get("/v1/openapi.json") { _, _ in answer(200, OpenAPI.document) }
        router.get("/v1/daemon") { _, _ in answer(200, try await dispatcher.daemonJSON()) }
        router.post("/v1/drain") { _, context in try await drain(true, context) }
        router.post("/v1/undrain") { _, context in try await drain(false, context) }
        router.put("/v1/groups") { request, context in try await setStrict(request, context) }
        router.put("/v1/groups/{name}") { request, context in try await setGroup(request, context) }
        router.post("/v1/groups/{name}") { _, context in try await createGroup(context) }
        router.post("/v1/jobs") { request, context in try await submit(request, context) }
        router.get("/v1/jobs") { request, context in try await list(request, context) }
        router.get("/v1/counts") { request, _ in try await counts(request) }
        router.get("/v1/jobs/{id}") { _, context in
            answer(200, try await dispatcher.account(of: id(context), for: context.peer.requester))
        }
        router.get("/v1/jobs/{id}/history") { request, context in
            let limit = try request.number("limit", in: 1...10_000) ?? 1000
            let after = try request.number("after", in: 0...Self.most) ?? 0
            return answer(200, try await dispatcher.history(of: id(context), after: after, limit: limit))
        }
        router.get("/v1/jobs/{id}/output/{stream}") { request, context in try await output(request, context) }
        router.get("/v1/events") { request, context in try await events(request, context) }
        for verb in Order.Verb.allCases {
            router.post("/v1/jobs/{id}/\(verb.rawValue)") { request, context in
                let id = try id(context)
                if verb == .retry { try submitters.admit(context.peer) }
                let order = try await read(request, context, upTo: Self.largestOrder) { json in
                    try Order(verb, Self.members(json))
                }
                try await dispatcher.perform(order, on: id, by: context.peer.requester)
                return answer(200, try await dispatcher.account(of: id, for: context.peer.requester))
            }
            router.post("/v1/jobs/\(verb.rawValue)") { request, context in
                if verb == .retry { try submitters.admit(context.peer) }
                let (order, words) = try await read(request, context, upTo: Self.largestOrder) { json in
                    let members = try Self.members(json)
                    let words = members.first { $0.key == "jobs" }?.value.arrayValue?.map(\.stringValue) ?? []
                    guard !words.isEmpty, !words.contains(nil) else {
                        throw APIFailure(
                            400, "\"jobs\" must be a list of words such as \"42\", \"42-50\", \"42[3]\" or a name")
                    }
                    return (try Order(verb, members.filter { $0.key != "jobs" }), words.compactMap(\.self))
                }
                let outcome = try await dispatcher.perform(order, on: words, by: context.peer.requester)
                return answer(200, VerbOutcome(outcome).json)
            }
        }
    }

    /// The members of the object that is the body; none if there is no body.
    private static func members(_ json: JSON?) throws(APIFailure) -> [JSON.Member] {
        guard let json else { return [] }
        guard let members = json.objectValue else { throw APIFailure(400, "expected an object") }
        return members
    }

    func id(_ context: APIContext) throws -> Int {
        let text = context.parameters.get("id") ?? ""
        guard let id = Int(text), (1...Self.most).contains(id) else {
            throw APIFailure(400, "'\(text)' is no job id; ids are numbers from 1")
        }
        return id
    }

    /// The largest number of a request, beyond which JSON's readers differ (RFC 8259).
    static let most = 1 << 53

    /// Of a request that is no submission.
    private static let largestOrder = 64 << 10

    /// Reads a body of no more than `limit` bytes and what it says.
    ///
    /// - Parameter understand: of the body as JSON, `nil` if there is none; on the thread of ``Intake``.
    private func read<Value: Sendable>(
        _ request: Request, _ context: APIContext, upTo limit: Int = APIContext.largestRequest,
        _ understand: @escaping @Sendable (JSON?) throws -> Value
    ) async throws -> Value {
        let tooLarge = APIFailure(
            413,
            limit < 1 << 20
                ? "the body of this request may have \(ByteCount(limit))"
                : "a request may have \(limit >> 20) MiB; export less of the environment, or put data into files")
        // What was announced, too: nothing of it is waited for.
        let announced = request.headers[.contentLength].flatMap { Int($0) } ?? 0
        guard announced <= limit else { throw tooLarge }
        let permit = bodies.permit(for: context.peer, 0)
        var bytes = ByteBuffer()
        for try await part in request.body {
            guard bytes.readableBytes + part.readableBytes <= limit else { throw tooLarge }
            guard permit?.grow(by: part.readableBytes) == true else {
                throw APIFailure(429, "too much is being sent at this moment; finish your other requests, or ask again")
            }
            bytes.writeImmutableBuffer(part)
        }
        guard bytes.readableBytes > 0 else { return try understand(nil) }
        let (body, channel) = (bytes, context.channel)
        defer { withExtendedLifetime(permit) {} }
        return try await intake.run(for: context.peer.uid, isWanted: { channel.isActive }) {
            let text = String(buffer: body)
            guard !text.allSatisfy(\.isWhitespace) else { return try understand(nil) }
            let json: JSON
            do throws(JSONError) { json = try JSON(parsing: text) } catch { throw APIFailure(400, error.description) }
            return try understand(json)
        }
    }

    private func drain(_ on: Bool, _ context: APIContext) async throws -> Response {
        try requireOperator(context)
        try await dispatcher.setDraining(on)
        return answer(200, try await dispatcher.daemonJSON())
    }

    private func setGroup(_ request: Request, _ context: APIContext) async throws -> Response {
        try requireOperator(context)
        let name = try groupName(context)
        let parallel = try await read(request, context, upTo: Self.largestOrder) { json -> Int? in
            guard let json, json.objectValue?.map(\.key) == ["parallel"] else {
                throw APIFailure(400, "expected {\"parallel\": NUMBER}, or null for no limit")
            }
            let parallel = json["parallel"]?.intValue
            guard (json["parallel"] ?? .null) == .null || parallel.map({ (0...Self.most).contains($0) }) == true else {
                throw APIFailure(400, "parallel must be a whole number from 0 on, or null for no limit")
            }
            return parallel
        }
        try await dispatcher.setParallel(parallel, ofGroup: name)
        return answer(200, try await dispatcher.daemonJSON())
    }

    private func createGroup(_ context: APIContext) async throws -> Response {
        try requireOperator(context)
        try await dispatcher.createGroup(try groupName(context))
        return answer(200, try await dispatcher.daemonJSON())
    }

    private func setStrict(_ request: Request, _ context: APIContext) async throws -> Response {
        try requireOperator(context)
        let isStrict = try await read(request, context, upTo: Self.largestOrder) { json in
            guard case let members = try Self.members(json), members.map(\.key) == ["strict"],
                let isStrict = members[0].value.boolValue
            else { throw APIFailure(400, "expected {\"strict\": true} or {\"strict\": false}") }
            return isStrict
        }
        try await dispatcher.setStrict(isStrict)
        return answer(200, try await dispatcher.daemonJSON())
    }

    private func groupName(_ context: APIContext) throws(APIFailure) -> String {
        // Parts of a path arrive as they were written.
        let name = context.parameters.get("name")?.removingPercentEncoding ?? ""
        if let problem = NameRule.problem(of: name) { throw APIFailure(400, "the name of a group \(problem)") }
        return name
    }

    /// What concerns everybody's jobs is for root, and for the user whose daemon it is.
    private func requireOperator(_ context: APIContext) throws(APIFailure) {
        guard context.peer.isOperator else { throw APIFailure(403, "only root may do that, outside of jobs") }
    }

    private func submit(_ request: Request, _ context: APIContext) async throws -> Response {
        try submitters.admit(context.peer)
        let peer = context.peer
        let key = try SubmissionKey.text(in: request.headers)
        let submission = try await read(request, context) { json in
            guard let json else { throw APIFailure(400, "expected a submission as JSON") }
            return try JobSubmission(json, key: key, from: peer)
        }
        return answer(201, try await dispatcher.submit(submission))
    }

    private func counts(_ request: Request) async throws -> Response {
        let arrays = (request.uri.queryParameters.get("arrays") ?? "").split(separator: ",")
        let ids = arrays.compactMap { Int($0) }
        guard ids.count == arrays.count, ids.count <= 200 else {
            throw APIFailure(400, "arrays must be at most 200 ids, separated by commas")
        }
        return answer(200, try await dispatcher.counts(since: try request.moment("since"), arrays: ids).json)
    }

    private func list(_ request: Request, _ context: APIContext) async throws -> Response {
        let parameters = request.uri.queryParameters
        let limit = try request.number("limit", in: 1...10_000) ?? 1000
        var query = JobQuery(limit: limit + 1)
        query.liveOnly = try request.flag("live")
        query.name = parameters.get("name")
        query.group = parameters.get("group")
        query.after = try request.number("before", in: 0...Self.most)
        query.arrayID = try request.number("array", in: 1...Self.most)
        if let owner = parameters.get("owner") {
            guard let account = Account.find(owner) else { throw APIFailure(400, "there is no user '\(owner)'") }
            query.ownerUID = account.uid
        }
        query.endedSince = try request.moment("since")
        switch parameters.get("order") {
        case nil, "newest": break
        case "start": query.order = .startFirst
        case .some(let text): throw APIFailure(400, "order must be newest or start, not '\(text)'")
        }
        if let text = parameters.get("state") {
            var states: Set<JobState> = []
            for word in text.split(separator: ",", omittingEmptySubsequences: false) {
                guard let state = JobState(rawValue: String(word)) else {
                    let known = JobState.allCases.map(\.rawValue).joined(separator: ", ")
                    throw APIFailure(400, "unknown state '\(word)'; there are \(known)")
                }
                states.insert(state)
            }
            query.states = states
        }
        if let text = parameters.get("ids") { query.ids = try Self.ranges(text) }
        if let word = parameters.get("select") {
            guard query.ids == nil else { throw APIFailure(400, "ids and select cannot both be given") }
            let requester = context.peer.requester
            let selection = try await dispatcher.store.offThread { store throws(StoreError) in
                try Selection(word, for: requester, in: store)
            }
            guard !selection.ids.isEmpty else { throw QueueError.noSuchJob(selection.reference) }
            query.ids = selection.ids
        }
        var views = try await dispatcher.views(query, for: context.peer.requester)
        let more = views.count > limit
        if more { views.removeLast(views.count - limit) }
        return answer(200, .object(["jobs": .array(views.map(\.json)), "more": .bool(more)]))
    }

    private static func ranges(_ text: String) throws(APIFailure) -> [ClosedRange<Int>] {
        var ranges: [ClosedRange<Int>] = []
        // A walk along an index for each.
        guard text.utf8.count(where: { $0 == UInt8(ascii: ",") }) < 1000 else {
            throw APIFailure(400, "ids must be at most 1000 ranges, separated by commas")
        }
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard let low = ends.first.flatMap({ $0 }), let high = ends.last.flatMap({ $0 }), ends.count <= 2,
                low <= high
            else { throw APIFailure(400, "'\(part)' is no range of ids such as 42 or 42-50") }
            ranges.append(low...high)
        }
        return ranges
    }
}

extension Request {
    /// A number in the query; `nil` if it is not there.
    func number(_ name: String, in range: ClosedRange<Int>) throws(APIFailure) -> Int? {
        guard let text = uri.queryParameters.get(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            let most = range.upperBound == Routes.most ? "on" : "to \(range.upperBound)"
            throw APIFailure(400, "\(name) must be a number from \(range.lowerBound) \(most), not '\(text)'")
        }
        return number
    }

    /// A moment in the query; `nil` if it is not there.
    func moment(_ name: String) throws(APIFailure) -> Timestamp? {
        guard let text = uri.queryParameters.get(name) else { return nil }
        do throws(QuantityError) { return try Timestamp(parsing: text) } catch {
            throw APIFailure(400, error.description)
        }
    }

    /// A switch in the query: 1 or 0, off if it is not there.
    func flag(_ name: String) throws(APIFailure) -> Bool {
        switch uri.queryParameters.get(name) {
        case "1": return true
        case nil, "0": return false
        case .some(let text): throw APIFailure(400, "\(name) must be 0 or 1, not '\(text)'")
        }
    }
}

extension Dispatcher {
    func daemonJSON() async throws -> JSON { try await daemon().json }
}

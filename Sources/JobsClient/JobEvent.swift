// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI

/// What the event stream tells.
public enum JobEvent: Hashable, Sendable {
    /// The server has taken note of us: what happens from here on arrives.
    case began
    case state(StateChange)
    case live(LiveUsage)
}

extension JobsClient {
    /// Follows the changes of some jobs, or of all, until `body` returns a result.
    ///
    /// The first event is ``JobEvent/began``: who asks for a job's state then misses nothing between the two.
    /// - Throws: ``ClientError/broken(_:)`` if the stream ends before.
    public func follow<Result: Sendable>(
        jobs: [Int] = [], live: Bool = false, _ body: @escaping @Sendable (JobEvent) async throws -> Result?
    ) async throws(ClientError) -> Result {
        var items: [String] = []
        // A line of ten thousand ids is more than a server reads: then it is all jobs, and `body` chooses.
        if !jobs.isEmpty, jobs.count <= 200 { items.append("job=" + jobs.map(String.init).joined(separator: ",")) }
        if live { items.append("live=1") }
        let path = "/v1/events" + (items.isEmpty ? "" : "?" + items.joined(separator: "&"))
        return try await stream(path) { bytes in
            // Once it has begun, a question of `body` that finds nobody is the loss of this daemon, too.
            let body = { (event: JobEvent) async throws -> Result? in
                do { return try await body(event) } catch let error as ClientError where error.nobodyListens {
                    throw ClientError.broken("\(error)")
                }
            }
            if let result = try await body(.began) { return result }
            var parser = EventParser()
            for try await part in bytes {
                for event in parser.feed(part) {
                    guard let event = try Self.read(event) else { continue }
                    if let result = try await body(event) { return result }
                }
            }
            throw ClientError.broken("jobsd ended the stream of events")
        }
    }

    private static func read(_ event: EventParser.Event) throws(ClientError) -> JobEvent? {
        let json: JSON
        do throws(JSONError) { json = try JSON(parsing: event.data) } catch {
            throw .unintelligible("\(error)")
        }
        switch event.name {
        case "state":
            do throws(WireError) { return .state(try StateChange(json: json)) } catch {
                throw .unintelligible(error.description)
            }
        case "live": return .live(LiveUsage(json: json))
        // A later daemon's news is no reason to fail.
        default: return nil
        }
    }
}

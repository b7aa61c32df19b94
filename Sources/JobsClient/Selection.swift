// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI

/// What a user writes to name jobs: `42`, `42-50`, or a job's name.
public enum JobReference: Hashable, Sendable, CustomStringConvertible {
    case id(Int)
    case range(Int, Int)
    case name(String)

    public init(_ word: String) {
        let ends = word.split(separator: "-", omittingEmptySubsequences: false).map { Self.number($0) }
        if ends.count == 1, let id = ends[0] {
            self = .id(id)
        } else if ends.count == 2, let first = ends[0], let last = ends[1], first <= last {
            self = .range(first, last)
        } else {
            self = .name(word)
        }
    }

    /// Digits only: `+5` is a name.
    private static func number(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") } ? Int(text) : nil
    }

    public var description: String {
        switch self {
        case .id(let id): "\(id)"
        case .range(let first, let last): "\(first)-\(last)"
        case .name(let name): name
        }
    }
}

/// Which jobs a name stands for, and what is passed over.
public enum SelectionScope: Sendable {
    /// Those that have not ended: what `cancel` and `hold` are about. For a single id, the server says what is wrong.
    case live
    /// The newest of a name, an array as a whole: what `status`, `logs` and `wait` are about.
    case newest
}

extension JobsClient {
    /// The jobs that words name, in the order of the words, each once.
    ///
    /// - Throws: ``ClientError/refused(status:message:)`` with 404 if a word names none.
    public func select(_ words: [String], _ scope: SelectionScope, user: String?) async throws(ClientError) -> [JobView]
    {
        var jobs: [JobView] = []
        var seen: Set<Int> = []
        for word in words {
            for job in try await select(JobReference(word), scope, user: user) where seen.insert(job.id).inserted {
                jobs.append(job)
            }
        }
        return jobs
    }

    private func select(_ reference: JobReference, _ scope: SelectionScope, user: String?) async throws(ClientError)
        -> [JobView]
    {
        var query = JobQuery()
        switch reference {
        case .id(let id): return [try await job(id)]
        case .range(let first, let last):
            query.ids = "\(first)-\(last)"
            let found = try await jobs(query).reversed()
            guard !found.isEmpty else { throw .refused(status: 404, message: "there are no jobs \(first)-\(last)") }
            return found.filter { scope == .newest || $0.state.isLive }
        case .name(let name):
            query.name = name
            query.live = scope == .live
            query.limit = scope == .live ? nil : 1
            // As root: one's own job of that name before those of others.
            query.owner = user
            var found = try await jobs(query)
            if found.isEmpty, user != nil {
                query.owner = nil
                found = try await jobs(query)
            }
            guard let newest = found.first else {
                throw .refused(
                    status: 404,
                    message: scope == .live
                        ? "no job named '\(name)' waits or runs; `jobs status` lists those that do"
                        : "no job is named '\(name)'; `jobs history` lists those that ended")
            }
            guard scope == .newest, let array = newest.arrayID else { return found.reversed() }
            query = JobQuery()
            query.array = array
            return try await jobs(query).reversed()
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI

extension JobsClient {
    /// The jobs that words select as ``JobReference`` says, in the order of the words, each once.
    ///
    /// - Throws: ``ClientError/refused(status:message:)`` with 404 if a word selects none.
    public func select(_ words: [String]) async throws(ClientError) -> [JobView] {
        var selected: [JobView] = []
        var seen: Set<Int> = []
        for word in words {
            var query = JobQuery()
            query.select = word
            selected += try await jobs(query).reversed().filter { seen.insert($0.id).inserted }
        }
        return selected
    }

    /// Does a verb to all jobs that words select, in one request, and tells what came of it.
    public func perform(_ verb: String, on words: [String], _ body: [JSON.Member] = []) async throws(ClientError)
        -> VerbOutcome
    {
        let words = JSON.Member(key: "jobs", value: .array(words.map { .string($0) }))
        return try value(try await post("/v1/jobs/\(verb)", .object([words] + body)))
    }
}

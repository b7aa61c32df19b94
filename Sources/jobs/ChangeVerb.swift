// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI
import JobsClient

/// Does one verb to each of the jobs that were named, and says what came of it.
struct ChangeVerb {
    /// As the API calls it.
    var verb: String
    /// What is printed of a job that it was done to: `cancelled`.
    var done: String
    var scope = SelectionScope.live
    /// Which of the jobs of a range or a name it is for; a single id is left to the server, which says what is wrong.
    var suits: @Sendable (JobState) -> Bool = { _ in true }
    var body: JSON?

    /// - Returns: 0 if it was done to all of them.
    func perform(_ words: [String], json: Bool, _ client: JobsClient) async throws(ClientError) -> Int32 {
        var code: Int32 = 0
        var jobs: [Int] = []
        for word in words {
            if case .id(let id) = JobReference(word) {
                jobs.append(id)
                continue
            }
            do throws(ClientError) {
                let found = try await client.select([word], scope, user: DaemonCall.user).filter { suits($0.state) }
                if found.isEmpty {
                    complain("none of '\(word)' can be \(done) now; `jobs status \(word)` shows them")
                    code = 1
                }
                // Those that wait first: the end of a running one would start the next of them.
                jobs += (found.filter { $0.state.isWaiting } + found.filter { !$0.state.isWaiting }).map(\.id)
            } catch {
                guard case .refused = error else { throw error }
                complain(error.description)
                code = error.exitCode
            }
        }
        for id in jobs {
            // One that cannot be changed does not keep the others from it.
            do throws(ClientError) {
                let job = try await client.change(id, verb, body)
                // A running job takes its time to end.
                let isUnderWay = verb == "cancel" && job.state.isLive
                let text = isUnderWay ? "asked job \(id) (\(job.name)) to end" : "\(done) job \(id) (\(job.name))"
                Output.write((json ? job.json.text() : text) + "\n")
            } catch {
                guard case .refused = error else { throw error }
                complain(error.description)
                code = error.exitCode
            }
        }
        return code
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore

extension Dependency {
    private static let mostTerms = 20_000

    /// The ids that its words mean now; later jobs of the same name do not change that. Off the queue's thread.
    ///
    /// Of a word that means several jobs, `ok` and `any` wait for every one, `failed` for the first that fails.
    ///
    /// - Parameter owner: whose jobs a name means.
    func resolved(for owner: UInt32, in store: JobStore) async throws -> Dependency {
        let result = try await store.offThread { store throws(StoreError) in
            Result { () throws(APIFailure) in try resolved(for: owner, store) }
        }
        return try result.get()
    }

    private func resolved(for owner: UInt32, _ store: JobStore) throws(APIFailure) -> Dependency {
        let tooMany = APIFailure(
            400, "--after means more than \(Self.mostTerms) jobs; name fewer, or a job that waits for them")
        var alternatives: [[Term]] = []
        for terms in self.alternatives {
            var resolved: [[Term]] = [[]]
            for term in terms {
                let meant = try Self.targets(of: term, owner: owner, store).map { Term(term.condition, .id($0)) }
                let size = resolved.reduce(0) { $0 + $1.count + (term.condition == .failed ? 1 : meant.count) }
                let (total, overflows) = size.multipliedReportingOverflow(
                    by: term.condition == .failed ? max(1, meant.count) : 1)
                guard !overflows, total <= Self.mostTerms else { throw tooMany }
                if term.condition == .failed {
                    resolved = resolved.flatMap { terms in meant.map { terms + [$0] } }
                } else {
                    resolved = resolved.map { $0 + meant }
                }
            }
            alternatives += resolved
        }
        guard alternatives.reduce(0, { $0 + $1.count }) <= Self.mostTerms else { throw tooMany }
        return Dependency(alternatives)
    }

    private static func targets(of term: Term, owner: UInt32, _ store: JobStore) throws(APIFailure) -> [Int] {
        let targets: [Int]
        do throws(StoreError) {
            let ids = try store.ids(of: term.target, owner: owner)
            let isSingle = ids.count == 1 && ids[0].lowerBound == ids[0].upperBound
            targets = try isSingle ? [ids[0].lowerBound] : store.existing(ids, limit: mostTerms + 1)
        } catch { throw .store(error) }
        guard targets.isEmpty else { return targets }
        if case .name(let name) = term.target {
            throw APIFailure(400, "--after names the job '\(name)', and you have none of that name")
        }
        throw APIFailure(400, "--after names the job \(term.target), and there is none")
    }
}

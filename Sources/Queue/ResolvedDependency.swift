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
    package func resolved(for owner: UInt32, in store: JobStore) async throws -> Dependency {
        let result = try await store.offThread { store throws(StoreError) in
            Result { () throws(QueueError) in try resolved(for: owner, store) }
        }
        return try result.get()
    }

    private func resolved(for owner: UInt32, _ store: JobStore) throws(QueueError) -> Dependency {
        var alternatives: [[Term]] = []
        for terms in self.alternatives {
            var resolved: [[Term]] = [[]]
            for term in terms {
                let meant = try Self.targets(of: term, owner: owner, store).map { Term(term.condition, $0) }
                let size = resolved.reduce(0) { $0 + $1.count + (term.condition == .failed ? 1 : meant.count) }
                let (total, overflows) = size.multipliedReportingOverflow(
                    by: term.condition == .failed ? max(1, meant.count) : 1)
                guard !overflows, total <= Self.mostTerms else { throw Self.tooMany }
                if term.condition == .failed {
                    resolved = resolved.flatMap { terms in meant.map { terms + [$0] } }
                } else {
                    resolved = resolved.map { $0 + meant }
                }
            }
            alternatives += resolved
        }
        let result = Dependency(alternatives)
        guard result.termCount <= Self.mostTerms else { throw Self.tooMany }
        return result
    }

    package var termCount: Int { alternatives.reduce(0) { $0 + $1.count } }

    private static let tooMany = QueueError.tooManyTerms(most: mostTerms)

    /// Single ids and ranges: what several jobs are is not kept one by one.
    private static func targets(of term: Term, owner: UInt32, _ store: JobStore) throws(QueueError) -> [JobReference] {
        let ids: [ClosedRange<Int>]
        do throws(StoreError) {
            // Later jobs are not meant, least of all the one that waits.
            let known = 1...max(1, try store.nextID() - 1)
            ids = try store.ids(of: term.target, owner: owner).map { $0.clamped(to: known) }
        } catch { throw .store(error) }
        guard ids.allSatisfy({ $0.count <= ArrayRange.largest }) else {
            throw .dependencyRangeTooLarge(term.target, most: ArrayRange.largest)
        }
        guard ids.isEmpty else {
            return ids.map { $0.count == 1 ? .id($0.lowerBound) : .range($0.lowerBound, $0.upperBound) }
        }
        throw .dependencyUnknown(term.target)
    }
}

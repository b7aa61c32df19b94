// SPDX-License-Identifier: Apache-2.0
import JobModel

/// A dependency as one column, in the words users write: `ok:41,any:42?failed:43`.
extension Dependency {
    /// - Throws: ``Violation/unresolvedDependency(job:name:)`` if a term is anything but ids: which jobs a word means is
    ///   decided when a job is submitted and must not change later.
    func text(of job: Int) throws(Violation) -> String {
        for term in alternatives.joined() {
            switch term.target {
            case .id, .range: break
            case .element, .name: throw .unresolvedDependency(job: job, name: term.target.description)
            }
        }
        return description
    }

    /// The jobs it asks about.
    var ranges: [ClosedRange<Int>] {
        alternatives.joined().compactMap { term in
            switch term.target {
            case .id(let id): id...id
            case .range(let first, let last): first...max(first, last)
            case .element, .name: nil
            }
        }
    }
}

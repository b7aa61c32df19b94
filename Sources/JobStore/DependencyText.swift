// SPDX-License-Identifier: Apache-2.0
import JobModel

/// A dependency as one column, in the words users write: `ok:41,any:42?failed:43`.
extension Dependency {
    /// - Throws: ``Violation/unresolvedDependency(job:name:)`` if a term is anything but an id: which jobs a word means is
    ///   decided when a job is submitted and must not change later.
    func text(of job: Int) throws(Violation) -> String {
        for term in alternatives.joined() {
            guard case .id = term.target else {
                throw .unresolvedDependency(job: job, name: term.target.description)
            }
        }
        return description
    }

    /// The jobs it asks about.
    var ids: [Int] {
        alternatives.joined().compactMap { if case .id(let id) = $0.target { id } else { nil } }
    }
}

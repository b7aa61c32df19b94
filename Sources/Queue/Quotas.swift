// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobModel

/// How much one user may have of what is there for all; `nil` is as much as there is. Root and the user whose daemon it is
/// have no quotas.
package struct Quotas: Hashable, Sendable {
    /// Jobs that have not ended.
    package var jobs: Int? = 100_000
    /// Jobs of one array.
    package var array: Int? = ArrayRange.largest
    /// Bytes of the job files and environments of those that have not ended.
    package var texts: Int? = 256 << 20
    /// Terms of dependencies of those that have not ended.
    package var terms: Int? = 20_000
    /// Connections at once.
    package var connections: Int? = 512
    /// Bytes of output and texts of those that have ended: the oldest leave.
    package var output: Int? = 2 << 30

    package init() {}

    package static let names = ["jobs", "array", "texts", "terms", "connections", "output"]

    /// Takes `jobs=1000`, `texts=64M` or `output=unlimited`.
    package mutating func set(_ text: String) throws(QuantityError) {
        let halves = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard halves.count == 2 else {
            throw QuantityError(text, "expected NAME=VALUE, with one of \(Self.names.joined(separator: ", "))")
        }
        let value = halves[1] == "unlimited" ? nil : halves[1]
        func count() throws(QuantityError) -> Int? {
            guard let value else { return nil }
            guard let number = Int(value), number >= 0, number <= 1 << 53 else {
                throw QuantityError(text, "expected a number, or unlimited")
            }
            return number
        }
        func bytes() throws(QuantityError) -> Int? {
            guard let value else { return nil }
            return try ByteCount(parsing: value).bytes
        }
        switch halves[0] {
        case "jobs": jobs = try count()
        case "array": array = try count()
        case "texts": texts = try bytes()
        case "terms": terms = try count()
        case "connections": connections = try count()
        case "output": output = try bytes()
        default:
            throw QuantityError(text, "no quota is called that; there are \(Self.names.joined(separator: ", "))")
        }
    }

    /// Root, and the user whose daemon it is.
    package static let exempt: Set<UInt32> = [0, geteuid()]

    package static func apply(to uid: UInt32) -> Bool { !exempt.contains(uid) }
}

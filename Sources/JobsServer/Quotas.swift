// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobModel
import JobStore

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
    static let exempt: Set<UInt32> = [0, geteuid()]

    static func apply(to uid: UInt32) -> Bool { !exempt.contains(uid) }
}

/// What each user has in the queue, as far as there are quotas for it.
struct Ledger: Sendable {
    /// What one job takes, or what all jobs of a user take together.
    struct Share: Hashable, Sendable {
        var jobs = 1
        var texts = 0
        var terms = 0

        init(jobs: Int = 1, texts: Int = 0, terms: Int = 0) {
            (self.jobs, self.texts, self.terms) = (jobs, texts, terms)
        }

        init(of job: StoredJob) { self.init(texts: job.textBytes, terms: job.dependency?.termCount ?? 0) }

        static func * (_ share: Share, _ count: Int) -> Share {
            Share(jobs: share.jobs * count, texts: share.texts * count, terms: share.terms * count)
        }

        static func + (_ a: Share, _ b: Share) -> Share {
            Share(jobs: a.jobs + b.jobs, texts: a.texts + b.texts, terms: a.terms + b.terms)
        }

        static func - (_ a: Share, _ b: Share) -> Share {
            Share(jobs: a.jobs - b.jobs, texts: a.texts - b.texts, terms: a.terms - b.terms)
        }
    }

    private var shares: [Int: (owner: UInt32, share: Share)] = [:]
    private var totals: [UInt32: Share] = [:]

    /// A job came in, or comes again.
    mutating func enter(_ job: Int, _ share: Share, of owner: UInt32) {
        guard Quotas.apply(to: owner), shares.updateValue((owner, share), forKey: job) == nil else { return }
        totals[owner] = (totals[owner] ?? Share(jobs: 0)) + share
    }

    /// A job has ended.
    mutating func leave(_ job: Int) {
        guard let (owner, share) = shares.removeValue(forKey: job), let total = totals[owner] else { return }
        totals[owner] = total.jobs > 1 ? total - share : nil
    }

    /// - Throws: with the figures if a user would have more than they may.
    func admit(_ share: Share, of owner: UInt32, _ quotas: Quotas) throws(QueueError) {
        guard Quotas.apply(to: owner) else { return }
        let total = totals[owner] ?? Share(jobs: 0)
        let next = total + share
        if let most = quotas.jobs, next.jobs > most {
            throw .quotaExceeded(.jobs(has: total.jobs, most: most, more: share.jobs))
        }
        if let most = quotas.texts, next.texts > most {
            throw .quotaExceeded(.texts(has: total.texts, most: most))
        }
        if let most = quotas.terms, next.terms > most {
            throw .quotaExceeded(.terms(has: total.terms, most: most))
        }
    }
}

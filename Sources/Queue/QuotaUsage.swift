// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore

/// The jobs of each user in the queue, as far as there are quotas for them.
package struct QuotaUsage: Sendable {
    /// The amounts that one job takes, or all jobs of a user together.
    package struct Share: Hashable, Sendable {
        package var jobs = 1
        package var texts = 0
        package var terms = 0

        package init(jobs: Int = 1, texts: Int = 0, terms: Int = 0) {
            (self.jobs, self.texts, self.terms) = (jobs, texts, terms)
        }

        package init(of job: StoredJob) { self.init(texts: job.textBytes, terms: job.dependency?.termCount ?? 0) }

        package static func * (_ share: Share, _ count: Int) -> Share {
            Share(jobs: share.jobs * count, texts: share.texts * count, terms: share.terms * count)
        }

        package static func + (_ a: Share, _ b: Share) -> Share {
            Share(jobs: a.jobs + b.jobs, texts: a.texts + b.texts, terms: a.terms + b.terms)
        }

        package static func - (_ a: Share, _ b: Share) -> Share {
            Share(jobs: a.jobs - b.jobs, texts: a.texts - b.texts, terms: a.terms - b.terms)
        }
    }

    package init() {}

    private var shares: [Int: (owner: UInt32, share: Share)] = [:]
    private var totals: [UInt32: Share] = [:]

    /// A job came in, or comes again.
    package mutating func enter(_ job: Int, _ share: Share, of owner: UInt32) {
        guard Quotas.apply(to: owner), shares.updateValue((owner, share), forKey: job) == nil else { return }
        totals[owner] = (totals[owner] ?? Share(jobs: 0)) + share
    }

    /// A job has ended.
    package mutating func leave(_ job: Int) {
        guard let (owner, share) = shares.removeValue(forKey: job), let total = totals[owner] else { return }
        totals[owner] = total.jobs > 1 ? total - share : nil
    }

    /// Changes are on disk: jobs that have ended, and do not begin again by the same changes, count no more.
    package mutating func note(_ changes: [Change]) {
        var ended: Set<Int> = []
        for change in changes {
            guard let state = change.state else { continue }
            if state.isFinal { ended.insert(change.job) } else { ended.remove(change.job) }
        }
        for job in ended { leave(job) }
    }

    /// - Throws: with the figures if a user would have more than they may.
    package func admit(_ share: Share, of owner: UInt32, _ quotas: Quotas) throws(QueueError) {
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

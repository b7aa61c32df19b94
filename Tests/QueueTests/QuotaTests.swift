// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import Queue
import Testing

@Suite struct QuotaTests {
    private func quotas(_ words: String...) throws -> Quotas {
        var quotas = Quotas()
        for word in words { try quotas.set(word) }
        return quotas
    }

    @Test func `quotas are numbers, sizes, or unlimited`() throws {
        let quotas = try quotas("jobs=3", "texts=2K", "terms=unlimited")
        #expect(quotas.jobs == 3 && quotas.texts == 2048 && quotas.terms == nil)
        for text in ["jobs", "jobs=", "jobs=-1", "jobs=9007199254740993", "seats=1", "texts=1MB", "=1"] {
            #expect(throws: QuantityError.self) { try self.quotas(text) }
        }
    }

    @Test func `a user has what has entered and not left, and is refused more with the figures`() throws {
        var usage = QuotaUsage()
        let quotas = try quotas("jobs=2", "texts=100")
        let share = QuotaUsage.Share(of: pending(1, textBytes: 40))
        usage.enter(1, share, of: ada.uid)
        // Once more, as a retry would: it counts once.
        usage.enter(1, share, of: ada.uid)
        try usage.admit(share, of: ada.uid, quotas)
        #expect(throws: QueueError.quotaExceeded(.jobs(has: 1, most: 2, more: 2))) {
            try usage.admit(share * 2, of: ada.uid, quotas)
        }
        #expect(throws: QueueError.quotaExceeded(.texts(has: 40, most: 100))) {
            try usage.admit(.init(jobs: 1, texts: 61), of: ada.uid, quotas)
        }
        try usage.admit(share * 2, of: 4_000_000_002, quotas)
        usage.leave(1)
        usage.leave(1)
        try usage.admit(share * 2, of: ada.uid, quotas)
    }

    @Test func `a job that ends and goes on by the same changes still counts`() throws {
        let quotas = try quotas("jobs=2")
        var usage = QuotaUsage()
        for job in 1...2 { usage.enter(job, .init(jobs: 1), of: ada.uid) }
        func change(_ job: Int, _ state: JobState) -> Change {
            .changed(job: job, to: state, cause: nil, detail: nil, at: Timestamp(microsecondsSinceEpoch: 0))
        }
        usage.note([change(1, .failed), change(2, .running), change(1, .pending)])
        #expect(throws: QueueError.self) { try usage.admit(.init(jobs: 1), of: ada.uid, quotas) }
        usage.note([change(1, .failed), change(1, .pending), change(1, .cancelled)])
        try usage.admit(.init(jobs: 1), of: ada.uid, quotas)
    }

    @Test func `root has no quotas`() throws {
        try QuotaUsage().admit(.init(jobs: .max), of: 0, quotas("jobs=0"))
    }

    @Test func `a permit is given back when nobody holds it`() {
        let pool = PermitPool(limit: 2, ofAll: 3)
        var first = pool.permit(for: 1, isExempt: false)
        #expect(first?.grow(by: 1) == true)
        #expect(first?.grow(by: 1) == false)
        let second = pool.permit(for: 2, isExempt: false)
        #expect(second != nil)
        #expect(pool.permit(for: 2, isExempt: false) == nil, "all together have three")
        #expect(pool.permit(for: 0, isExempt: true, .max) != nil)
        first = nil
        #expect(pool.permit(for: 1, isExempt: false, 2) != nil)
        withExtendedLifetime((first, second)) {}
    }
}

// SPDX-License-Identifier: Apache-2.0
import GRDB
import JobModel
import Testing

@testable import JobStore

/// Twelve jobs: 1–4 of an array that ended, 5–8 in the group gpu, 9–12 of another user.
@Suite struct QueryTests {
    private let store: JobStore

    init() async throws {
        store = try JobStore(path: ":memory:")
        let jobs = (1...12).map { id in
            var job = job(id, name: id.isMultiple(of: 2) ? "even" : "odd", uid: id > 8 ? 2000 : 1000)
            if id <= 4 { job.array = .init(id: 1, index: id - 1) }
            if (5...8).contains(id) { job.group = "gpu" }
            return job
        }
        try await store.append(jobs.map { .submitted($0, document) })
        try await store.append([start(1), end(1), start(2), end(2, 1, .failed), start(5), change(9, .held)])
        try await store.append([change(3, .cancelled), change(4, .skipped)])
    }

    private func ids(_ set: (inout JobQuery) -> Void) throws -> [Int] {
        var query = JobQuery()
        set(&query)
        return try store.jobs(matching: query).map(\.id)
    }

    @Test func filters() throws {
        #expect(try ids { _ in } == Array((1...12).reversed()))
        #expect(try ids { $0.name = "even" } == [12, 10, 8, 6, 4, 2])
        #expect(try ids { $0.ownerUID = 2000 } == [12, 11, 10, 9])
        #expect(try ids { $0.group = "gpu" } == [8, 7, 6, 5])
        #expect(try ids { $0.arrayID = 1 } == [4, 3, 2, 1])
        #expect(try ids { $0.states = [.failed] } == [2])
        #expect(try ids { $0.endedSince = moment(2000) } == [2, 1])
        #expect(try ids { $0.endedSince = moment(2001) } == [])
        #expect(try ids { $0.states = [.failed, .completed, .held] } == [9, 2, 1])
        #expect(try ids { $0.states = [.running, .held] } == [9, 5])
        #expect(try ids { $0.states = [] } == [])
        #expect(try ids { $0.liveOnly = true } == Array((5...12).reversed()))
        #expect(
            try ids {
                $0.liveOnly = true
                $0.states = [.failed]
            } == [])
        #expect(
            try ids {
                $0.name = "even"
                $0.ownerUID = 1000
                $0.group = "gpu"
            } == [8, 6])
    }

    @Test func inTheOrderInWhichTheyWillStart() async throws {
        try await store.append([(12, 5), (8, 5), (10, 7), (6, -3), (7, -1)].map(prioritize))
        func order(_ limit: Int, _ states: Set<JobState>?, live: Bool = false) throws -> [Int] {
            try ids {
                $0.order = .startFirst
                $0.states = states
                $0.liveOnly = live
                $0.limit = limit
            }
        }
        #expect(try order(50, [.pending]) == [10, 8, 12, 11, 7, 6])
        #expect(try order(2, [.pending]) == [10, 8])
        #expect(try order(5, [.pending]) == [10, 8, 12, 11, 7])
        #expect(try order(50, [.pending, .held]) == [10, 8, 12, 9, 11, 7, 6])
        #expect(try order(50, nil, live: true) == [10, 8, 12, 5, 9, 11, 7, 6])
        // Of those that ended, too.
        #expect(try order(4, nil) == [10, 8, 12, 1])
        #expect(try order(0, [.pending]).isEmpty)
    }

    private func prioritize(_ id: Int, _ priority: Int) -> Change {
        .updated(job: id, [.priority(priority)], detail: nil, at: moment(3000))
    }

    @Test func countsOfLiveJobs() throws {
        #expect(try store.liveCounts() == [.running: 1, .held: 1, .pending: 6])
        #expect(
            try store.counts() == ["gpu": [.running: 1, .pending: 3], "default": [.held: 1, .pending: 3]])
    }

    @Test func severalWithTheirTexts() throws {
        let found = try store.jobsWithDocuments([7, 99, 3])
        #expect(found.map(\.job.id) == [7, 3])
        #expect(found.allSatisfy { $0.document == document })
    }

    @Test func rangesOfIDs() throws {
        #expect(try ids { $0.ids = [5...6, 1...1, 11...99] } == [12, 11, 6, 5, 1])
        #expect(try ids { $0.ids = [1...3, 2...5] } == [5, 4, 3, 2, 1])
        #expect(try ids { $0.ids = [] } == [])
        #expect(
            try ids {
                $0.ids = [5...6, 1...1, 11...99]
                $0.limit = 3
                $0.order = .oldestFirst
            } == [1, 5, 6])
        // More than SQLite takes terms in one condition.
        #expect(try ids { $0.ids = (1...5000).map { ($0 * 2)...($0 * 2) } } == [12, 10, 8, 6, 4, 2])
    }

    @Test(arguments: [JobQuery.Order.newestFirst, .oldestFirst]) func pages(order: JobQuery.Order) throws {
        var query = JobQuery(limit: 5)
        query.order = order
        query.ids = [1...3, 5...12]
        var seen: [Int] = []
        while true {
            let page = try store.jobs(matching: query).map(\.id)
            seen += page
            if page.count < 5 { break }
            query.after = page.last
        }
        let all = [1, 2, 3] + Array(5...12)
        #expect(seen == (order == .newestFirst ? all.reversed() : all))
    }

    @Test(
        arguments: [
            ("5", [5...5]), ("1", [1...4]), ("2", [2...2]), ("13", []), ("0", []),
            ("2-6", [2...6]), ("11-90", [11...90]), ("13-90", []),
            ("1[0]", [1...1]), ("1[3]", [4...4]), ("1_2", [3...3]), ("1[4]", []), ("2[0]", []), ("5[0]", []),
            // Those that live, of all lengths; an ended one of that name does not count then.
            ("odd", [5...5, 7...7]), ("none", []),
        ] as [(String, [ClosedRange<Int>])])
    func aWordSelects(_ word: String, _ ranges: [ClosedRange<Int>]) throws {
        #expect(try store.ids(of: JobReference(word), owner: 1000) == ranges)
    }

    @Test func aNameSelectsTheNewestIfAllHaveEnded() async throws {
        #expect(try store.ids(of: .name("odd"), owner: nil) == [5...5, 7...7, 9...9, 11...11])
        try await store.append([end(5), change(7, .cancelled)])
        #expect(try store.ids(of: .name("odd"), owner: 1000) == [7...7])
        // Of an array all its elements, also those that have ended.
        try await store.append([.removed(job: 7), .removed(job: 5)])
        #expect(try store.ids(of: .name("odd"), owner: 1000) == [1...4])
        try await store.append([change(3, .pending)])
        #expect(try store.ids(of: .name("odd"), owner: 1000) == [1...4])
    }

    @Test func anElementIsFoundBesideHoles() async throws {
        let first = 20
        try await store.append(
            (0..<50).map { offset in
                var element = job(first + offset, name: "sparse")
                element.array = .init(id: first, index: offset * 10)
                return .submitted(element, document)
            })
        let gone = Set([0, 1, 7, 24, 25, 26, 48])
        try await store.append(gone.flatMap { [change(first + $0, .cancelled), .removed(job: first + $0)] })
        for offset in 0..<50 {
            let found = try store.ids(of: .element(array: first, index: offset * 10), owner: nil)
            #expect(found == (gone.contains(offset) ? [] : [first + offset...first + offset]))
            #expect(try store.ids(of: .element(array: first, index: offset * 10 + 5), owner: nil).isEmpty)
        }
    }

    @Test func readsOffTheThread() async throws {
        let found = try await store.offThread { store throws(StoreError) in try store.job(3) }
        #expect(found?.id == 3)
    }

    /// Lists of a page must stay flat however many jobs there are: an index, and no sorting.
    @Test func plansNeitherSortNorScan() throws {
        func plan(_ set: (inout JobQuery) -> Void) throws -> String {
            var query = JobQuery()
            set(&query)
            return try store.database.unsafeRead { db in
                try query.parts.flatMap { part in
                    let (sql, filters) = query.statement(part)
                    return try Row.fetchAll(
                        db, sql: "EXPLAIN QUERY PLAN " + sql, arguments: StatementArguments([1, 2] + filters + [50]))
                }.map { $0["detail"] as String }.joined(separator: "; ")
            }
        }
        let sets: [(inout JobQuery) -> Void] = [
            { _ in }, { $0.liveOnly = true }, { $0.states = [.failed] }, { $0.states = [.failed, .timeout] },
            { $0.states = [.pending] }, { $0.states = [.pending, .held] }, { $0.name = "odd" }, { $0.ownerUID = 1000 },
            { $0.group = "gpu" }, { $0.arrayID = 1 },
            {
                $0.states = [.pending]
                $0.order = .startFirst
            },
        ]
        for set in sets {
            let text = try plan(set)
            #expect(text.contains("SEARCH jobs"), "\(text)")
            #expect(!text.contains("TEMP B-TREE"), "\(text)")
        }
        #expect(try plan { $0.liveOnly = true }.contains("jobs_live"))
        // However many wait.
        #expect(try plan { $0.states = [.running, .suspended] }.contains("jobs_by_state"))
    }

    @Test func noListReadsSecrets() {
        #expect(!StoredJob.columns.contains("document"))
        #expect(!StoredJob.columns.contains("context"))
        var text = ""
        dump(document, to: &text)
        text += "\(document) \(String(reflecting: document)) \(Change.submitted(job(1), document))"
        #expect(!text.contains("s3cret"))
    }
}

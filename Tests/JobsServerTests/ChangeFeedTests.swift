// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import JobsAPI
import Linux
import NIOCore
import Synchronization
import Testing

@testable import JobsServer

@Suite struct ChangeFeedTests {
    private func changes(_ jobs: ClosedRange<Int>, detail: String? = nil) -> [StateChange] {
        jobs.map { StateChange(job: $0, at: "then", state: .pending, cause: nil, attempt: nil, detail: detail) }
    }

    /// The numbers of the jobs in a batch's events.
    private func jobs(in news: ChangeFeed.News?, of ids: Set<Int>? = nil) throws -> [Int] {
        guard case .changes(let batch)? = news else { return [] }
        guard let events = batch.events(of: ids) else { return [] }
        return try String(buffer: events).split(separator: "\n").filter { $0.hasPrefix("data: ") }.map { line in
            try #require(try JSON(parsing: String(line.dropFirst(6)))["job"]?.intValue)
        }
    }

    /// Returns once the follower's task is asleep.
    private func waiting(_ follower: ChangeFeed.Follower, in feed: ChangeFeed) async {
        while !feed.isAwaited(by: follower.id) { await Task.yield() }
    }

    private func isOver(_ follower: ChangeFeed.Follower) async -> Bool {
        if case nil = await follower.next() { true } else { false }
    }

    @Test func `a follower hears what is published from then on, in order`() async throws {
        let feed = ChangeFeed()
        feed.publish(changes(1...3))
        let follower = feed.follow()
        feed.publish(changes(4...600))
        var heard: [Int] = []
        while heard.last != 600 { heard += try jobs(in: await follower.next()) }
        #expect(heard == Array(4...600))
        feed.finish()
        #expect(await isOver(follower))
    }

    @Test func `a follower that waits is woken`() async throws {
        let feed = ChangeFeed()
        let follower = feed.follow()
        async let news = follower.next()
        await waiting(follower, in: feed)
        feed.publish(changes(7...7))
        #expect(try jobs(in: await news) == [7])
        async let end = isOver(follower)
        await waiting(follower, in: feed)
        feed.finish()
        #expect(await end)
    }

    @Test func `events of some jobs are those and no others`() async throws {
        let feed = ChangeFeed()
        let (follower, other) = (feed.follow(), feed.follow())
        feed.publish(changes(1...5))
        #expect(try jobs(in: await follower.next(), of: [2, 5, 9]) == [2, 5])
        #expect(try jobs(in: await other.next(), of: [6]) == [])
    }

    @Test func `readers that do not read cost what one does, and hear their end`() async throws {
        let feed = ChangeFeed(limit: 100_000)
        let sleepers = (1...20).map { _ in feed.follow() }
        let reader = feed.follow()
        for number in 0..<100 {
            feed.publish(changes((number * 10 + 1)...(number * 10 + 10), detail: String(repeating: "x", count: 100)))
            #expect(try jobs(in: await reader.next()).count == 10)
            #expect(feed.bytes <= 100_000)
        }
        // 300,000 bytes: a third of them is still there, and no place in it is older.
        for sleeper in sleepers { #expect(await isOver(sleeper)) }
        // The sleepers hold nothing more, nor does the reader, who has heard everything.
        #expect(feed.bytes == 0)
    }

    @Test func `what all have heard, or nobody follows, is not kept`() async throws {
        let feed = ChangeFeed()
        feed.publish(changes(1...9))
        #expect(feed.bytes == 0 && !feed.isFollowed)
        var follower: ChangeFeed.Follower? = feed.follow()
        feed.publish(changes(1...9))
        #expect(feed.bytes > 0 && feed.isFollowed)
        withExtendedLifetime(follower) {}
        follower = nil
        #expect(feed.bytes == 0 && !feed.isFollowed)
    }

    @Test func `announced changes are published together, and only if there is a follower`() async throws {
        let feed = ChangeFeed()
        let change = Change.changed(
            job: 7, to: .held, cause: nil, detail: nil, at: Timestamp(microsecondsSinceEpoch: 0))
        #expect(!feed.announce([change]))
        let follower = feed.follow()
        #expect(!feed.announce([.removed(job: 1)]), "that is no change of a state")
        #expect(feed.announce([change]))
        #expect(!feed.announce([change]))
        feed.publish()
        #expect(try await jobs(in: follower.next()) == [7, 7])
        #expect(feed.announce([change]), "the next turn")
    }

    @Test func `followers of output hear its end, at once if everything has ended`() async {
        let feed = ChangeFeed()
        func followed(_ job: Int) -> AsyncStream<Void> {
            let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
            feed.followOutput(of: job, continuation)
            return stream
        }
        let (first, second) = (followed(1), followed(2))
        feed.finishOutput(of: 1)
        for await _ in first {}
        feed.finish()
        for await _ in second {}
        for await _ in followed(3) {}
    }

    @Test func `a follower that leaves gives its timer back`() {
        let feed = ChangeFeed()
        let given = Mutex<TimerQueue.ID?>(nil)
        let timer = TimerQueue.ID(number: 3, isOfWallClock: false)
        var follower: ChangeFeed.Follower? = feed.follow { timer in given.withLock { $0 = timer } }
        let id = follower?.id ?? 0
        #expect(feed.setTimer(timer, of: id))
        follower = nil
        #expect(given.withLock { $0 } == timer)
        #expect(!feed.setTimer(timer, of: id))
    }

    @Test func `a cancelled follower hears its end`() async throws {
        let feed = ChangeFeed()
        let follower = feed.follow()
        let task = Task { await isOver(follower) }
        await waiting(follower, in: feed)
        task.cancel()
        #expect(await task.value)
    }

    @Test func `a tick comes once for all that were not heard, and after the changes`() async throws {
        let feed = ChangeFeed()
        let follower = feed.follow()
        feed.tick(follower.id)
        feed.tick(follower.id)
        feed.publish(changes(1...1))
        #expect(try jobs(in: await follower.next()) == [1])
        guard case .tick? = await follower.next() else {
            Issue.record("no tick")
            return
        }
        feed.finish()
        #expect(await isOver(follower))
    }
}

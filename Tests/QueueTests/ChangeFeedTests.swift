// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import Linux
import Queue
import Synchronization
import Testing

@Suite struct ChangeFeedTests {
    private func changes(_ jobs: ClosedRange<Int>, detail: String? = nil) -> [Announcement] {
        jobs.map { Announcement(job: $0, at: noon, state: .pending, detail: detail) }
    }

    /// The numbers of the jobs in a batch.
    private func jobs(in news: ChangeFeed.News?) -> [Int] {
        guard case .changes(let batch)? = news else { return [] }
        return batch.changes.map(\.job)
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
        while heard.last != 600 { heard += jobs(in: await follower.next()) }
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
        #expect(jobs(in: await news) == [7])
        async let end = isOver(follower)
        await waiting(follower, in: feed)
        feed.finish()
        #expect(await end)
    }

    @Test func `the form for clients is made once for all followers`() async throws {
        let feed = ChangeFeed()
        let followers = (1...3).map { _ in feed.follow() }
        feed.publish(changes(1...5))
        var made = 0
        for follower in followers {
            guard case .changes(let batch)? = await follower.next() else {
                Issue.record("no changes")
                continue
            }
            let form = batch.form { changes in
                made += 1
                return changes.count
            }
            #expect(form == 5)
        }
        #expect(made == 1)
    }

    @Test func `readers that do not read cost what one does, and hear their end`() async throws {
        let feed = ChangeFeed(limit: 100_000)
        let sleepers = (1...20).map { _ in feed.follow() }
        let reader = feed.follow()
        for number in 0..<100 {
            feed.publish(changes((number * 10 + 1)...(number * 10 + 10), detail: String(repeating: "x", count: 50)))
            #expect(jobs(in: await reader.next()).count == 10)
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
            job: 7, to: .held, cause: nil, detail: nil, at: noon)
        #expect(!feed.announce([change]))
        let follower = feed.follow()
        #expect(!feed.announce([.removed(job: 1)]), "that is no change of a state")
        #expect(feed.announce([change]))
        #expect(!feed.announce([change]))
        feed.publish()
        #expect(await jobs(in: follower.next()) == [7, 7])
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
        #expect(jobs(in: await follower.next()) == [1])
        guard case .tick? = await follower.next() else {
            Issue.record("no tick")
            return
        }
        feed.finish()
        #expect(await isOver(follower))
    }
}

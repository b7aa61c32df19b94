// SPDX-License-Identifier: Apache-2.0
import Foundation
import JobModel
import JobStore
import Linux
import Queue

/// A directory for one test, gone with its owner.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "QueueTests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

let noon = Timestamp(microsecondsSinceEpoch: 1_800_000_000_000_000)
let ada = Requester(uid: 4_000_000_001, gid: 100, name: "ada")

func pending(_ id: Int, name: String = "sim", uid: UInt32 = ada.uid, textBytes: Int = 0) -> StoredJob {
    var job = StoredJob(
        id: id, name: name, owner: .init(uid: uid, gid: uid, name: "user\(uid)"), command: "./sim",
        submittedAt: noon)
    job.textBytes = textBytes
    return job
}

/// A store in memory with these jobs.
func store(_ jobs: [StoredJob]) async throws -> JobStore {
    let store = try JobStore(path: ":memory:")
    try await store.append(jobs.map { .submitted($0, JobDocument(spec: "", context: "")) })
    return store
}

/// A clock that moves when the test says so.
final class TestClock: QueueClock {
    private(set) var realtime = noon.microsecondsSinceEpoch
    private(set) var monotonic = 0
    private var timers: [(id: TimerQueue.ID, moment: Int, handler: () -> Void)] = []
    private var nextNumber = 0

    /// How many handlers wait.
    var waiting: Int { timers.count }

    func at(_ realtime: Int, _ handler: @escaping () -> Void) -> TimerQueue.ID {
        add(monotonic + max(0, realtime - self.realtime), handler)
    }

    func after(_ microseconds: Int, _ handler: @escaping () -> Void) -> TimerQueue.ID {
        add(monotonic + max(0, microseconds), handler)
    }

    func cancel(_ timer: TimerQueue.ID) { timers.removeAll { $0.id == timer } }

    private func add(_ moment: Int, _ handler: @escaping () -> Void) -> TimerQueue.ID {
        nextNumber += 1
        let id = TimerQueue.ID(number: nextNumber, isOfWallClock: false)
        timers.append((id, moment, handler))
        return id
    }

    /// Lets time pass and calls what is due, also what becomes due by that.
    func advance(by microseconds: Int) {
        let end = monotonic + microseconds
        while let next = timers.filter({ $0.moment <= end }).min(by: { $0.moment < $1.moment }) {
            cancel(next.id)
            set(max(monotonic, next.moment))
            next.handler()
        }
        set(end)
    }

    private func set(_ moment: Int) {
        realtime += moment - monotonic
        monotonic = moment
    }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import JobModel
import Synchronization

@testable import JobStore

/// A directory for one test, gone with its owner.
final class TemporaryDirectory: Sendable {
    let path: String
    var database: String { path + "/jobs.db" }

    init() throws {
        path = NSTemporaryDirectory() + "JobStoreTests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// What the disk would hold if the process ended now. Only between two commits.
    func copy(to other: TemporaryDirectory) throws {
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: database + suffix, toPath: other.database + suffix)
        }
    }
}

let document = JobDocument(spec: "command: [\"true\"]", context: "{\"environment\": {\"TOKEN\": \"s3cret\"}}")

func moment(_ seconds: Int) -> Timestamp { Timestamp(microsecondsSinceEpoch: seconds * 1_000_000) }

func job(_ id: Int, name: String = "sim", uid: UInt32 = 1000, state: JobState = .pending) -> StoredJob {
    StoredJob(
        id: id, name: name, owner: .init(uid: uid, gid: uid, name: "user\(uid)"), command: "./sim \(id)",
        submittedAt: moment(id), state: state)
}

func submit(_ ids: some Sequence<Int>) -> [Change] { ids.map { .submitted(job($0), document) } }

func start(_ id: Int, _ number: Int = 1, at seconds: Int = 1000) -> Change {
    .attemptStarted(job: id, number: number, bootID: "boot", place: "job-\(id).\(number)", at: moment(seconds))
}

func end(
    _ id: Int, _ number: Int = 1, _ state: JobState = .completed, at seconds: Int = 2000, outputBytes: Int? = nil
) -> Change {
    .attemptEnded(
        job: id, number: number,
        verdict: Verdict(
            state: state, cause: state == .completed ? .success : .exitStatus,
            exit: .init(code: state == .completed ? 0 : 3), message: "It ended as \(state.rawValue)."),
        figures: AttemptFigures(memoryPeakBytes: 4096, cpuUsageUsec: 10, wallTimeUsec: 20, outputBytes: outputBytes),
        record: "{\"attempt\": \(number)}", at: moment(seconds))
}

func change(_ id: Int, _ state: JobState, _ cause: Cause? = nil, _ detail: String? = nil, at seconds: Int = 1500)
    -> Change
{
    .changed(job: id, to: state, cause: cause, detail: detail, at: moment(seconds))
}

extension JobStore {
    func live() throws -> [StoredJob] {
        var jobs: [StoredJob] = []
        try live { jobs.append($0) }
        return jobs
    }

    /// What an administrator's SQL would answer.
    func text(_ sql: String) throws -> String? {
        try database.unsafeRead { db in try String.fetchOne(db, sql: sql) }
    }

    func execute(_ sql: String) throws {
        try database.writeWithoutTransaction { db in try db.execute(sql: sql) }
    }

    /// Makes calls that all arrive while an earlier commit is under way, so that they share the next one.
    func appendTogether(_ calls: [[Change]]) async -> [StoreError?] {
        let gate = DispatchSemaphore(value: 0)
        // The next commit waits for this completion.
        await withCheckedContinuation { continuation in
            append([]) { _ in
                continuation.resume()
                gate.wait()
            }
        }
        let outcomes = Mutex<[StoreError?]>([])
        return await withCheckedContinuation { continuation in
            for (index, call) in calls.enumerated() {
                append(call) { error in
                    let all = outcomes.withLock { outcomes in
                        outcomes.append(error)
                        return outcomes
                    }
                    if index == calls.count - 1 { continuation.resume(returning: all) }
                }
            }
            gate.signal()
        }
    }
}

/// The error of an append that must fail.
func failure(of changes: [Change], in store: JobStore) async -> StoreError? {
    do {
        try await store.append(changes)
        return nil
    } catch { return error }
}

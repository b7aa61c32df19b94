// SPDX-License-Identifier: Apache-2.0
import Foundation
import JobModel
import JobStore
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

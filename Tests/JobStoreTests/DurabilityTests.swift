// SPDX-License-Identifier: Apache-2.0
import Foundation
import JobModel
import Synchronization
import Testing

@testable import JobStore

@Suite struct DurabilityTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    @Test func everyCommitIsSynced() throws {
        let store = try JobStore(path: directory.database)
        defer { store.close() }
        #expect(try store.text("PRAGMA journal_mode") == "wal")
        // FULL
        #expect(try store.text("PRAGMA synchronous") == "2")
        #expect(try store.text("PRAGMA locking_mode") == "exclusive")
        #expect(try store.text("PRAGMA foreign_keys") == "1")
    }

    @Test func whatWasAppendedSurvivesTheProcess() async throws {
        let store = try JobStore(path: directory.database)
        defer { store.close() }
        try await store.append(submit(1...3) + [start(1), end(1)])
        let crashed = try TemporaryDirectory()
        try directory.copy(to: crashed)
        let reopened = try JobStore(path: crashed.database)
        defer { reopened.close() }
        #expect(try reopened.live().map(\.id) == [2, 3])
        #expect(try reopened.attempts(of: 1) == store.attempts(of: 1))
        #expect(try reopened.nextID() == 4)
    }

    /// A completion holds up the next commit, so the files it sees are what a kill at that moment leaves behind.
    @Test func aCrashUnderLoadLosesNothingThatWasReported() async throws {
        let store = try JobStore(path: directory.database)
        defer { store.close() }
        let crash = Crash(of: directory, after: 300, into: try TemporaryDirectory())
        try await store.append(submit(1...600))
        await withTaskGroup { group in
            for id in 1...600 {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        store.append([start(id), end(id)]) { error in
                            #expect(error == nil)
                            crash.reported(id)
                            continuation.resume()
                        }
                    }
                }
            }
        }
        let atCrash = try #require(crash.reportedBefore)
        let reopened = try JobStore(path: crash.copy.database)
        defer { reopened.close() }
        #expect(try reopened.text("PRAGMA integrity_check") == "ok")
        for id in 1...600 {
            // All of a call or nothing.
            let states = try reopened.history(of: id).map(\.state)
            #expect(states == [.pending] || states == [.pending, .running, .completed])
            #expect(try reopened.job(id)?.state == states.last)
            if atCrash.contains(id) { #expect(try reopened.job(id)?.state == .completed) }
        }
    }

    /// Copies the files once enough was reported.
    private final class Crash: Sendable {
        let copy: TemporaryDirectory
        private let original: TemporaryDirectory
        private let count: Int
        private let state = Mutex<(now: Set<Int>, before: Set<Int>?)>(([], nil))

        init(of original: TemporaryDirectory, after count: Int, into copy: TemporaryDirectory) {
            self.original = original
            self.count = count
            self.copy = copy
        }

        var reportedBefore: Set<Int>? { state.withLock(\.before) }

        func reported(_ id: Int) {
            state.withLock { state in
                if state.now.count == count, (try? original.copy(to: copy)) != nil { state.before = state.now }
                state.now.insert(id)
            }
        }
    }

    @Test func aCleanEndLeavesOneFile() async throws {
        let store = try JobStore(path: directory.database)
        try await store.append(submit([1]))
        store.close()
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["jobs.db"])
        let reopened = try JobStore(path: directory.database)
        defer { reopened.close() }
        #expect(try reopened.job(1) == job(1))
    }

    @Test func onlyItsOwnerMayReadTheFiles() async throws {
        let store = try JobStore(path: directory.database)
        defer { store.close() }
        try await store.append(submit([1]))
        for suffix in ["", "-wal"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: directory.database + suffix)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        }
    }

    @Test func anEmptyCallTouchesTheDisk() async throws {
        let store = try JobStore(path: directory.database)
        defer { store.close() }
        let wal = directory.database + "-wal"
        func size() throws -> Int {
            (try FileManager.default.attributesOfItem(atPath: wal)[.size] as? NSNumber)?.intValue ?? 0
        }
        let before = try size()
        try await store.append([])
        #expect(try size() > before)
    }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Supervisor
import Testing

@Suite(.serialized) struct AttemptNameTests {
    private let pid = getpid()
    /// Ours, which is not the machine's where the tests run in a container.
    private let namespace =
        Int(
            ((try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")) ?? "").filter(\.isNumber)
        ) ?? 0

    @Test func `our own attempts are alive`() {
        #expect(AttemptName.isAlive(AttemptName.run(sequence: 0)))
        #expect(AttemptName.isAlive(AttemptName.run(sequence: 3)))
    }

    @Test func `each attempt has a name of its own`() {
        #expect(Set((0..<5).map { AttemptName.run(sequence: $0) }).count == 5)
        #expect(AttemptName.run(sequence: 0).hasPrefix("run-\(pid)-"))
    }

    @Test func `a recycled pid with another start time is dead`() throws {
        let ticks = try #require(ProcessStat.startTicks(of: "\(pid)"))
        #expect(AttemptName.isAlive("run-\(pid)-\(ticks)-0-\(namespace)"))
        #expect(!AttemptName.isAlive("run-\(pid)-\(ticks + 1)-0-\(namespace)"))
        #expect(!AttemptName.isAlive("run-\(pid)-\(ticks - 1)-2-\(namespace)"))
        #expect(!AttemptName.isAlive("run-\(pid)-0-0-\(namespace)"))
    }

    @Test func `a pid that nobody has is dead`() {
        // Above the largest pid_max there can be.
        #expect(!AttemptName.isAlive("run-4194305-1-0-\(namespace)"))
        #expect(!AttemptName.isAlive("run-2147483647-1-1-\(namespace)"))
    }

    /// A name without a namespace is of the machine's own.
    @Test func `a pid of another namespace is not ours to judge`() {
        #expect(AttemptName.isAlive("run-4194305-1-0-\(namespace + 1)"))
        #expect(AttemptName.isAlive("run-4194305-1") == (namespace != 4_026_531_836))
        #expect(AttemptName.isAlive("run-4194305-1-2") == (namespace != 4_026_531_836))
    }

    @Test(arguments: [
        "", "-", "run", "run-", "run-1", "run-1-", "run-x-1", "run-1-x", "job-42.1", "job-1-2", "supervisor", "init",
        "run-u17.scope", "run-p1234-i5678.scope", "run-99999999999-1", "xrun-4194305-1", "docker-4194305-1",
    ])
    func `names of other kinds are not ours to judge`(_ name: String) { #expect(AttemptName.isAlive(name)) }

    @Test func `start times are told apart by process`() {
        #expect(ProcessStat.startTicks(of: "1") != nil)
        #expect(ProcessStat.startTicks(of: "4194305") == nil)
        #expect(ProcessStat.startTicks(of: "-1") == nil)
    }

    /// The name stands in the middle of `/proc/PID/stat`, in parentheses, and may hold any byte.
    @Test(arguments: ["a b c d", "a) S 1 1", ") R 1 2 3 4 5", "((", "))", "x) y (z", ") 0 0 0 0 0 0", "new\nline"])
    func `a process's name does not shift the fields`(_ name: String) throws {
        let before = try #require(ProcessStat.startTicks(of: "\(pid)"))
        let file = "/proc/self/comm"
        let old = try String(contentsOfFile: file, encoding: .utf8)
        let handle = try #require(FileHandle(forWritingAtPath: file))
        defer { handle.write(Data(old.utf8.dropLast())) }
        handle.write(Data(name.utf8))
        let stat = try String(contentsOfFile: "/proc/self/stat", encoding: .utf8)
        try #require(stat.contains("(\(name))"), "the name is set")
        #expect(ProcessStat.startTicks(of: "\(pid)") == before)
    }
}

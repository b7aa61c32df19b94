// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Testing

@testable import Cgroups

@Suite(.serialized) struct AttemptNameTests {
    private let pid = getpid()
    private let namespace = AttemptName.namespace

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
        #expect(AttemptName.isAlive("run-\(pid)-\(ticks)-\(namespace)"))
        #expect(!AttemptName.isAlive("run-\(pid)-\(ticks + 1)-\(namespace)"))
        #expect(!AttemptName.isAlive("run-\(pid)-\(ticks - 1)-\(namespace)-2"))
        #expect(!AttemptName.isAlive("run-\(pid)-0-\(namespace)"))
    }

    @Test func `a pid that nobody has is dead`() {
        // Above the largest pid_max there can be.
        #expect(!AttemptName.isAlive("run-4194305-1-\(namespace)"))
        #expect(!AttemptName.isAlive("run-2147483647-1-\(namespace)-1"))
    }

    /// Containers that share a cgroup tree must not kill each other's jobs.
    @Test func `a supervisor in another PID namespace is not judged`() {
        #expect(namespace > 0)
        #expect(AttemptName.isAlive("run-4194305-1-\(namespace + 1)"))
        #expect(AttemptName.isAlive("run-4194305-1"))
    }

    @Test func `an attempt's cgroup is known by its name`() {
        for name in [AttemptName.run(sequence: 0), AttemptName.run(sequence: 7), "job-42.1", "run-1-2-3"] {
            #expect(AttemptName.isAttempt(name))
        }
        for name in ["job-42", "job-a.b", "job-", "job-1.2.3", "jobs", "run-1-2", "run-u17.scope", "jobs-others"] {
            #expect(!AttemptName.isAttempt(name))
        }
    }

    @Test(arguments: [
        "", "-", "run", "run-", "run-1", "run-1-", "run-x-1", "run-1-x", "job-42.1", "job-1-2", "supervisor", "init",
        "run-u17.scope", "run-p1234-i5678.scope", "run-99999999999-1-1", "xrun-4194305-1", "docker-4194305-1",
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

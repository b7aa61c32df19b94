// SPDX-License-Identifier: Apache-2.0
import Foundation
import JobsAPI
import JobsClient
import Testing

/// One after the other: a program that is being written while another thread spawns cannot be executed (ETXTBSY).
@Suite(.serialized) struct StarterTests {
    /// A directory with a program called `jobsd` that does what `script` says.
    private func start(_ script: String?, _ environment: [String: String] = [:]) throws -> (
        started: DaemonStarter.Started, directory: String
    ) {
        let directory = "/tmp/jobs-starter-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        if let script {
            let program = directory + "/jobsd"
            try ("#!/bin/sh\ncd \(directory)\n" + script).write(toFile: program, atomically: true, encoding: .utf8)
            chmod(program, 0o755)
        }
        let locations = Locations(state: directory + "/state", runtime: directory + "/run", isExplicit: true)
        let starter = DaemonStarter(locations, executable: directory + "/jobs", environment: environment)
        return (try starter.start(), directory)
    }

    @Test func waitsForTheWord() throws {
        // What the submitter's shell left open, as with `exec 9>file`: without close-on-exec.
        let leak = fcntl(0, F_DUPFD, 200)
        defer { close(leak) }
        let (started, directory) = try start(
            """
            echo "$*" >arguments
            env | cut -d= -f1 | sort >environment
            ls -l /proc/$$/fd 2>/dev/null | sed -n 's/.* \\([0-9]*\\) -> .*/\\1/p' | sort -n | tr '\\n' ' ' >descriptors
            cut -d' ' -f1,6 /proc/$$/stat >session
            echo to the log
            echo moved 3 processes >&3
            echo ready >&3
            exec 3>&-
            sleep 1
            """, ["PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": "/x", "SECRET": "1", "JOBS_STATE_DIR": "/s"])
        defer { try? FileManager.default.removeItem(atPath: directory) }
        func file(_ name: String) throws -> String {
            try String(contentsOfFile: directory + "/" + name, encoding: .utf8)
        }
        guard case .process(let pid, let notices) = started else {
            Issue.record("\(started)")
            return
        }
        #expect(notices == ["moved 3 processes"])
        let log = directory + "/state/jobsd.log"
        #expect(try file("arguments") == "--log \(log) --ready-fd 3\n")
        // PWD and such are the shell's own.
        let names = Set(try file("environment").split(separator: "\n").map(String.init))
        #expect(names.isSuperset(of: ["JOBS_STATE_DIR", "PATH", "XDG_RUNTIME_DIR"]))
        #expect(!names.contains("SECRET"))
        // A session of its own: what ends the submitter's does not end it.
        #expect(try file("session") == "\(pid) \(pid)\n")
        let descriptors = Set(try file("descriptors").split(separator: " ").compactMap { Int32($0) })
        #expect(descriptors.isSuperset(of: [0, 1, 2, 3]))
        #expect(!descriptors.contains(leak))
        #expect(try file("state/jobsd.log") == "to the log\n")
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }

    @Test func leavesNothingBehindARefusal() throws {
        let parent = "/tmp/jobs-starter-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: parent) }
        let program = parent + "/jobsd"
        func refusal(_ script: String?, _ state: String) throws -> [String] {
            if let script {
                try ("#!/bin/sh\n" + script).write(toFile: program, atomically: true, encoding: .utf8)
                chmod(program, 0o755)
            }
            let locations = Locations(state: state, runtime: state + "/run", isExplicit: true)
            let starter = DaemonStarter(locations, executable: parent + "/jobs", environment: [:])
            #expect(throws: DaemonStarter.Failure.self) { try starter.start() }
            return (try? FileManager.default.subpathsOfDirectory(atPath: state).sorted()) ?? ["gone"]
        }
        let state = parent + "/state"
        #expect(try refusal(nil, state) == ["gone"])
        #expect(try refusal("echo no, because >&2; echo no >&3; exit 1", state) == ["gone"])
        // A crash has left its words, and a daemon that got further what it made.
        #expect(try refusal("echo boom >&2; exit 3", state) == ["jobsd.log", "run", "run/start.lock"])
        let other = parent + "/other"
        #expect(try refusal("touch \(other)/jobs.db; echo no >&3", other) == ["jobs.db", "jobsd.log"])
    }

    @Test func tellsWhyItDidNotStart() throws {
        var error = #expect(throws: DaemonStarter.Failure.self) { try start("echo 'another jobsd has it' >&3; exit 1") }
        #expect(error?.description == "jobsd did not start: another jobsd has it")
        error = #expect(throws: DaemonStarter.Failure.self) { try start("echo boom >&2; exit 3") }
        #expect(error?.description.contains("state/jobsd.log") == true)
        error = #expect(throws: DaemonStarter.Failure.self) { try start(nil) }
        #expect(error?.description.contains("jobs run") == true)
    }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import JobModel
import JobsClient
import TestSupport
import Testing

extension IntegrationTests {
    /// The end of any tree of processes, by any way: nothing that was written is lost, everybody is gone, and the record says
    /// how many had to be asked and how many were killed.
    @Suite(.needsRoot) struct EndingPropertyTests {
        /// In a virtual machine a process takes forty times as long.
        static let seeds = Array(1...(Machine.isBuildMachine ? 4 : 1))

        @Test(arguments: seeds, Ending.allCases)
        func `what any tree of processes wrote before its end is kept`(seed: Int, ending: Ending) throws {
            let tree = RandomTree(seed: seed, ending)
            for flags in [[], ["--no-pid"]] {
                let scratch = try Scratch()
                let ready = scratch.fifo("ready")
                let running = try JobsProgram.Running(
                    [
                        JobsProgram.path, "run", "--report", scratch.path + "/record.json", "--env",
                        "MARK=ending-property-\(own)",
                    ] + flags + tree.flags + ["--"] + tree.command(in: scratch.path))
                _ = line(from: ready)
                if ending == .cancelled { kill(running.pid, SIGTERM) }
                if ending == .killed {
                    // The second one is for those who do not want to wait.
                    kill(running.pid, SIGINT)
                    kill(running.pid, SIGINT)
                }
                let outcome = running.wait()
                let record = try JSON(
                    parsing: String(contentsOfFile: scratch.path + "/record.json", encoding: .utf8))
                tree.expect(outcome.output, record, in: scratch, "seed \(seed), \(ending), \(flags): \(outcome.errors)")
            }
            expectNothingLeft(marker: "ending-property")
        }

        @Test(arguments: seeds, Ending.allCases)
        func `in the queue too`(seed: Int, ending: Ending) async throws {
            let daemon = try Daemon()
            let tree = RandomTree(seed: seed + 1000, ending)
            let scratch = try Scratch()
            let ready = scratch.fifo("ready")
            let flags = stride(from: 0, to: tree.flags.count, by: 2).map { index in
                (String(tree.flags[index].dropFirst(2)), Optional(tree.flags[index + 1]))
            }
            let id = try await daemon.submit(
                command: tree.command(in: scratch.path), flags, environment: ["MARK": "ending-property-\(own)"])
            _ = line(from: ready)
            if ending == .cancelled { try await daemon.perform("cancel", id) }
            if ending == .killed {
                try await daemon.client.post("/v1/jobs/\(id)/cancel", .object(["now": .bool(true)]))
            }
            try await daemon.wait([id])
            let record = try #require(try await daemon.record(id))
            tree.expect(try await daemon.output(id), record, in: scratch, "seed \(seed), \(ending)\n\(daemon.log)")
            expectNothingLeft(marker: "ending-property")
        }
    }
}

/// How a job of ``RandomTree`` ends.
enum Ending: String, CaseIterable, Sendable {
    /// Its main process, by itself.
    case exit
    /// Its main process, by a signal of its own.
    case crash
    case cancelled
    /// Cancelled without a grace period.
    case killed
}

/// A job that is a tree of processes, the same for the same seed.
///
/// Each process writes lines to its output, and each line to a file of proof afterwards: what the file has, the output must have.
private struct RandomTree {
    enum Kind: String, CaseIterable {
        /// Dies of SIGTERM.
        case ordinary
        /// Writes some more when it is asked to end.
        case saver
        /// Ignores SIGTERM, or has blocked it.
        case deaf
    }

    let ending: Ending
    private let nodes: String
    private let counts: [Kind: Int]

    init(seed: Int, _ ending: Ending) {
        self.ending = ending
        var random = SplitMix64(seed: UInt64(seed) &* 7919)
        // Half of the trees have nobody who must be killed: they end when the last one has saved, however long that takes.
        let kinds: [Kind] = Bool.random(using: &random) ? Kind.allCases : [.ordinary, .saver]
        var counts: [Kind: Int] = [:]
        func node(_ depth: Int) -> String {
            // Never nil: there are two at least.
            let kind = kinds.randomElement(using: &random) ?? .ordinary
            counts[kind, default: 0] += 1
            let children = depth < 3 ? (0..<Int.random(in: 0...2, using: &random)).map { _ in node(depth + 1) } : []
            let ways = ["setsid", "orphan", "flood", "blocked"].filter { _ in Int.random(in: 0..<3, using: &random) == 0
            }
            let lines = Int.random(in: 1...3000, using: &random)
            return "('\(kind)', \(ways.map { "'\($0)'" }), \(lines), [\(children.joined(separator: ", "))])"
        }
        nodes = "[" + (0..<Int.random(in: 1...4, using: &random)).map { _ in node(1) }.joined(separator: ", ") + "]"
        self.counts = counts
    }

    private var deaf: Int { counts[.deaf] ?? 0 }
    private var all: Int { counts.values.reduce(0, +) }
    private var waitsForAll: Bool { deaf == 0 && ending != .killed }

    var flags: [String] { ["--linger", "50ms", "--grace", waitsForAll ? "1h" : "300ms"] }

    func command(in folder: String) -> [String] { ["python3", "-c", Self.script, folder, nodes, ending.rawValue] }

    func expect(
        _ output: String, _ record: JSON, in scratch: Scratch, _ comment: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let text = (try? String(contentsOfFile: scratch.path + "/proof", encoding: .utf8)) ?? ""
        let proof = Set(text.split(separator: "\n"))
        let kept = Set(output.split(separator: "\n"))
        #expect(!proof.isEmpty && proof.subtracting(kept).isEmpty, "\(comment)", sourceLocation: sourceLocation)
        let saved = proof.filter { $0.hasSuffix("saved all") }.count
        if waitsForAll { #expect(saved == counts[.saver] ?? 0, "\(comment)", sourceLocation: sourceLocation) }
        let rest = (record["rest"]?["terminated"]?.intValue ?? 0, record["rest"]?["killed"]?.intValue ?? 0)
        switch ending {
        case .exit, .crash:
            #expect(rest.0 == all, "\(rest) of \(counts): \(comment)", sourceLocation: sourceLocation)
            #expect(
                rest.1 >= deaf && (deaf > 0 || rest.1 == 0), "\(rest) of \(counts): \(comment)",
                sourceLocation: sourceLocation)
        case .cancelled:
            #expect(
                rest.1 >= deaf && (deaf > 0 || rest.1 == 0), "\(rest) of \(counts): \(comment)",
                sourceLocation: sourceLocation)
        // Quick processes may have ended by the signal before.
        case .killed: #expect(rest.1 >= deaf, "\(rest) of \(counts): \(comment)", sourceLocation: sourceLocation)
        }
    }

    /// Of modules that a minimal Python has.
    private static let script = """
        import os, signal, sys
        folder, nodes, ending = sys.argv[1], eval(sys.argv[2]), sys.argv[3]
        proof = os.open(folder + "/proof", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        awaited, ready = os.pipe()
        def say(words):
            text = ("%d %s\\n" % (os.getpid(), words)).encode()
            os.write(1, text)
            os.write(proof, text)
        def live(kind, ways, lines, children):
            if "setsid" in ways: os.setsid()
            for child in children: start(*child)
            if kind == "deaf":
                if "blocked" in ways: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
                else: signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if kind == "saver":
                # Asked in the middle of a line, which is not lost either.
                signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
            say("ready")
            os.write(ready, b".")
            if kind == "saver":
                signal.sigwait([signal.SIGTERM])
                for number in range(lines): say("saved %d" % number)
                say("saved all")
                os._exit(0)
            if "flood" in ways:
                for number in range(10 ** 5): say("line %d" % number)
            while True: signal.pause()
        def start(kind, ways, lines, children):
            if os.fork() == 0:
                # Its parent ends at once, so that it is adopted by the job's init.
                if "orphan" in ways and os.fork(): os._exit(0)
                live(kind, ways, lines, children)
        def count(nodes): return sum(1 + count(node[3]) for node in nodes)
        for node in nodes: start(*node)
        left = count(nodes)
        while left: left -= len(os.read(awaited, left))
        with open(folder + "/ready", "w") as file: file.write("ready\\n")
        if ending == "exit": os._exit(0)
        if ending == "crash": os.kill(os.getpid(), signal.SIGKILL)
        while True: signal.pause()
        """
}

// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Foundation
import Glibc
import Linux
import Synchronization
import Testing

/// The built `jobs` program, run as a user would run it.
enum JobsProgram {
    static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let path = repository.appending(path: ".build/debug/jobs").path

    /// What a run printed, returned and recorded.
    struct Outcome {
        var code: Int32
        var output: String
        var errors: String
        var record: [String: Any]

        var state: String? { record["state"] as? String }
        var cause: String? { record["cause"] as? String }
        var message: String { record["message"] as? String ?? "" }
        func usage(_ key: String) -> Int? { (record["usage"] as? [String: Any])?[key] as? Int }
        func limit(_ key: String) -> Int? { (record["limits"] as? [String: Any])?[key] as? Int }
        var flags: [String] { (record["trust"] as? [[String: Any]] ?? []).compactMap { $0["flag"] as? String } }
        func unavailable(_ key: String) -> String? { (record["unavailable"] as? [String: String])?[key] }
        /// Everything, for the message of a failed expectation.
        var all: String { "code \(code)\n--- output\n\(output)\n--- errors\n\(errors)\n--- record\n\(record)" }
    }

    /// The words that run the program behind them as a user of that number, who needs no account.
    static func become(_ uid: Int) -> [String] {
        ["setpriv", "--reuid=\(uid)", "--regid=\(uid)", "--clear-groups"]
    }

    /// Runs `jobs run` with `words` and collects its record.
    ///
    /// - Parameter prefix: what is put before the program: `systemd-run …`, `setpriv …`.
    static func run(
        _ words: [String], input: String = "", prefix: [String] = [], environment: [String: String] = [:],
        in directory: String? = nil
    ) throws -> Outcome {
        let folder = try Scratch()
        let report = folder.path + "/record.json"
        var outcome = try execute(
            prefix + [path, "run", "--report", report] + words, input: input, environment: environment, in: directory,
            scratch: folder)
        if let data = FileManager.default.contents(atPath: report) {
            outcome.record = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
        }
        return outcome
    }

    /// Runs a program to its end, whenever that is: scripts/test and Tests/vm/test end a whole run that is silent for
    /// too long, and name the test that hangs.
    static func execute(
        _ words: [String], input: String = "", environment: [String: String] = [:], in directory: String? = nil,
        scratch: Scratch? = nil
    ) throws -> Outcome {
        let folder = try scratch ?? Scratch()
        let running = try Running(words, input: input, environment: environment, in: directory, folder: folder)
        return running.wait()
    }

    /// A program that runs on while the test does something to it.
    final class Running {
        let process = Process()
        private let folder: Scratch

        init(
            _ words: [String], input: String = "", environment: [String: String] = [:], in directory: String? = nil,
            folder: Scratch? = nil, terminal: Descriptor? = nil
        ) throws {
            self.folder = try folder ?? Scratch()
            try Data(input.utf8).write(to: URL(filePath: self.folder.path + "/in"))
            // By way of env, which searches PATH and becomes the program; and with the signals of a shell in the
            // foreground, also where the tests themselves run in the background.
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = ["--default-signal"] + words
            process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
            process.currentDirectoryURL = URL(filePath: directory ?? JobsProgram.repository.path)
            process.standardInput = try FileHandle(forReadingFrom: URL(filePath: self.folder.path + "/in"))
            process.standardOutput = try Self.file(self.folder.path + "/out")
            process.standardError = try Self.file(self.folder.path + "/err")
            if let terminal {
                let handle = FileHandle(fileDescriptor: terminal.rawValue, closeOnDealloc: false)
                process.standardInput = handle
                process.standardOutput = handle
                process.standardError = handle
            }
            // The threads that tests run on block signals, and what they start would inherit that.
            var none = sigset_t()
            var before = sigset_t()
            sigemptyset(&none)
            pthread_sigmask(SIG_SETMASK, &none, &before)
            defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
            try process.run()
            started.withLock { _ = $0.insert(process.processIdentifier) }
        }

        // Only a test that failed leaves one behind.
        deinit { if process.isRunning { process.terminate() } }

        private static func file(_ path: String) throws -> FileHandle {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
            return try FileHandle(forWritingTo: URL(filePath: path))
        }

        var output: String { Self.text(folder.path + "/out") }
        private static func text(_ path: String) -> String {
            String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
        }

        /// The pid of the program, which a prefix that ends in `exec` keeps.
        var pid: pid_t { process.processIdentifier }

        func wait() -> Outcome {
            process.waitUntilExit()
            let code =
                process.terminationReason == .uncaughtSignal
                ? 128 + process.terminationStatus : process.terminationStatus
            return Outcome(code: code, output: output, errors: Self.text(folder.path + "/err"), record: [:])
        }
    }
}

/// A folder of one test, removed with it.
final class Scratch {
    let path: String

    init() throws {
        path = "/var/tmp/jobs-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        // Tests that run jobs as another user write here too.
        chmod(path, 0o777)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Waits until `name` exists, by inotify's command line's simplest substitute: a FIFO that the job opens.
    func fifo(_ name: String) -> String {
        let fifo = path + "/" + name
        mkfifo(fifo, 0o666)
        chmod(fifo, 0o666)
        return fifo
    }
}

/// Blocks until the other side of a FIFO writes a line that is wanted, and returns it.
func line(from fifo: String, where isWanted: (String) -> Bool = { _ in true }) -> String {
    guard let file = fopen(fifo, "r") else { return "" }
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 4096)
    while fgets(&buffer, CInt(buffer.count), file) != nil {
        let line = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        if isWanted(line) { return line }
    }
    return ""
}

/// The pids of the programs that tests ran.
private let started = Mutex<Set<pid_t>>([])

/// Tells the processes of these tests from those of others that run at the same time.
let own = UUID().uuidString

/// Nothing of any run is left: no cgroup with our names, no process with the marker in its environment.
func expectNothingLeft(marker: String? = nil, sourceLocation: SourceLocation = #_sourceLocation) {
    let found =
        (try? JobsProgram.execute(["find", "/sys/fs/cgroup", "-type", "d", "-name", "run-*-*"]))?.output ?? ""
    // A cgroup counts if its supervisor is one that we started and is gone: other tests run beside us. In a virtual
    // machine every cgroup is ours, also of jobs that a service manager started for us.
    let stale = found.split(separator: "\n").filter { path in
        let parts = path.split(separator: "/")
        guard let name = parts.last, let parent = parts.dropLast().last else { return false }
        guard parent == "jobs" || parent.hasSuffix(".scope"), !AttemptName.isAlive(String(name)) else { return false }
        let pid = name.split(separator: "-").dropFirst().first.flatMap { pid_t($0) } ?? 0
        return !Machine.isBuildMachine || started.withLock { $0.contains(pid) }
    }
    #expect(stale.isEmpty, "cgroups left behind", sourceLocation: sourceLocation)
    guard let marker = marker.map({ "\($0)-\(own)" }) else { return }
    for pid in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] where Int(pid) != nil {
        let environment = FileManager.default.contents(atPath: "/proc/\(pid)/environ") ?? Data()
        let command =
            FileManager.default.contents(atPath: "/proc/\(pid)/comm").map { String(decoding: $0, as: UTF8.self) } ?? ""
        #expect(
            !String(decoding: environment, as: UTF8.self).contains(marker), "process \(pid) \(command) is left",
            sourceLocation: sourceLocation)
    }
}

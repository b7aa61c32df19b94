// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Foundation
import Glibc
import JobModel
import JobsAPI
import JobsClient
import Linux
import Supervisor
import SystemPackage
import Testing

/// A daemon of the test's own: its state lies in a scratch folder, and it ends with the test.
final class Daemon: @unchecked Sendable {
    // Unchecked: used by one test, which awaits each call before the next.
    let scratch: Scratch
    let state: String
    private let flags: [String]
    private(set) var process = Process()

    private let runtime: String
    /// Where jobsd is, and jobs-init beside it.
    private let programs: URL
    private let prefix: [String]

    var socket: String { runtime + "/jobs.sock" }
    var client: JobsClient { JobsClient(socket: socket) }

    /// - Parameters:
    ///   - mount: options of a tmpfs that is mounted on the state directory, for this daemon's eyes alone.
    ///   - setup: shell commands that change what this daemon alone sees; `$state` is its state directory, and `$scratch`
    ///     the test's folder, where the socket is.
    ///   - version: see ``start(largestFile:version:)``.
    ///   - hasOwnPrograms: jobsd and jobs-init are copies in ``scratch``.
    init(
        _ flags: [String] = ["--memory", "1G", "--cpus", "4"], mount: String? = nil, setup: String? = nil,
        version: Int = 0, hasOwnPrograms: Bool = false
    ) throws {
        let scratch = try Scratch()
        self.scratch = scratch
        state = scratch.path + "/state"
        self.flags = flags
        let setup = setup ?? mount.map { "mount -t tmpfs -o mode=755,\($0) none $state" }
        runtime = setup == nil ? state + "/run" : scratch.path + "/run"
        prefix =
            setup.map { setup in
                let script = "scratch=\(scratch.path) state=\(scratch.path)/state && mkdir -p $state && \(setup)"
                return ["unshare", "-m", "sh", "-c", script + " && exec \"$@\"", "sh"]
            } ?? []
        let built = JobsProgram.repository.appending(path: ".build/debug")
        programs = hasOwnPrograms ? URL(filePath: scratch.path) : built
        if hasOwnPrograms {
            for name in ["jobsd", "jobs-init"] {
                try FileManager.default.copyItem(at: built.appending(path: name), to: programs.appending(path: name))
            }
        }
        try start(version: version)
    }

    /// The state directory as the daemon sees it, whatever is mounted there.
    var seenState: String { "/proc/\(process.processIdentifier)/root\(state)" }

    /// Starts it and waits for its word, which comes when it answers.
    ///
    /// - Parameters:
    ///   - largestFile: in KiB; what would be written beyond it fails.
    ///   - version: by how much it plays a later one (`FileFormat.testVersion`).
    func start(largestFile: Int? = nil, version: Int = 0) throws {
        let ready = scratch.fifo("ready-\(UUID().uuidString)")
        process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        let program = programs.appending(path: "jobsd").path
        // In units of 512 bytes.
        let limit = largestFile.map { "ulimit -S -f \($0 * 2); " } ?? ""
        // The shell opens the FIFO as descriptor 3 and becomes the daemon.
        process.arguments =
            ["-c", limit + "exec 3>\"$0\"; exec \"$@\"", ready] + prefix
            + [program, "--ready-fd", "3", "--log", scratch.path + "/state.log"] + flags
        process.environment = ProcessInfo.processInfo.environment.merging([
            "JOBS_STATE_DIR": state, "JOBS_RUNTIME_DIR": runtime, "JOBS_TEST_VERSION": "\(version)",
        ]) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        // The first daemon in a cgroup that is shared says before it that processes were moved.
        let word = line(from: ready) { !$0.hasPrefix("moved ") }
        guard word == "ready" else { throw Failure(description: "jobsd said '\(word)'\n\(log)") }
    }

    struct Failure: Error, CustomStringConvertible { var description: String }

    var log: String { (try? String(contentsOfFile: state + ".log", encoding: .utf8)) ?? "" }

    /// A connection of its own, for what no client of ours would send.
    func connect() throws -> Descriptor {
        let socket = Descriptor(Glibc.socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array((runtime + "/jobs.sock").utf8)) }
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(socket.rawValue, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else { throw Failure(description: "cannot connect: \(errno)") }
        return socket
    }

    /// Sends a request as it stands and reads the answer to its end.
    func ask(_ method: String, _ path: String, _ body: String) throws -> (status: Int, text: String) {
        let socket = try connect()
        let length = body.utf8.count
        try? socket.send(
            "\(method) \(path) HTTP/1.1\r\nHost: j\r\nConnection: close\r\nContent-Length: \(length)\r\n\r\n\(body)")
        let text = socket.readToEnd()
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0, text)
    }

    /// Sends a request and reads the answer, or of one that goes on its beginning.
    func exchange(_ request: String, streams: Bool) throws -> String {
        let socket = try connect()
        try? socket.send(request)
        return streams ? String(decoding: (try? socket.read()) ?? [], as: UTF8.self) : socket.readToEnd()
    }

    func log(about id: Int) -> String {
        log.split(separator: "\n").filter { $0.contains("JOB_ID=\(id) ") || $0.contains("] ready") }.joined(
            separator: "\n")
    }

    func kill(_ signal: CInt = SIGKILL) {
        Glibc.kill(process.processIdentifier, signal)
        process.waitUntilExit()
    }

    deinit {
        if process.isRunning { kill(SIGTERM) }
        // Those that wait for another daemon would wait for ever.
        for process in jobsInits(below: state).compactMap(held) { try? process.signal(SIGKILL) }
        // Their cgroups wait for the next daemon of this state directory, which never comes. systemd removes its own.
        guard !Machine.hasSystemd,
            let root = try? Workplace.prepareQueue(stateDirectory: state, runtimeDirectory: runtime).root
        else { return }
        for attempt in root.attempts() { try? root.remove(attempt) }
        root.removeIfEmpty()
    }

    // MARK: Asking

    /// Queues a shell script; flags are those of `jobs submit`, in pairs.
    @discardableResult
    func submit(
        _ script: String, _ flags: [(String, String?)] = [], name: String = "test", environment: [String: String] = [:]
    ) async throws -> Int {
        try await submit(command: ["sh", "-c", script], flags, name: name, environment: environment)
    }

    /// The same for a program of that name with its arguments.
    func submit(
        command: [String], _ flags: [(String, String?)] = [], name: String = "test", environment: [String: String] = [:]
    ) async throws -> Int {
        let file = JSON.object(["name": .string(name), "command": .array(command.map { .string($0) })]).text()
        let source = JSON.object([
            "text": .string(file), "path": .string("test.yaml"),
            "flags": .array(flags.map { .array([.string($0.0), .string($0.1)]) }),
        ])
        let body = Submission(job: source, environment: environment, directory: scratch.path).json
        let answer = try await client.post("/v1/jobs", body)
        return try #require(answer["id"]?.intValue)
    }

    func job(_ id: Int) async throws -> JSON { try #require(try await client.get("/v1/jobs/\(id)")["job"]) }
    func record(_ id: Int) async throws -> JSON? {
        try await client.get("/v1/jobs/\(id)")["attempts"]?.arrayValue?.last
    }
    func state(_ id: Int) async throws -> String? { try await job(id)["state"]?.stringValue }
    func output(_ id: Int, _ stream: String = "stdout") async throws -> String {
        try await client.stream("/v1/jobs/\(id)/output/\(stream)") { body in
            var text: [UInt8] = []
            for try await bytes in body { text += bytes }
            return String(decoding: text, as: UTF8.self)
        }
    }
    func perform(_ verb: String, _ id: Int) async throws { try await client.post("/v1/jobs/\(id)/\(verb)") }

    /// Waits until the jobs are in one of these states, by the daemon's own events.
    func wait(
        _ ids: [Int],
        for states: Set<String> = ["completed", "failed", "out-of-memory", "timeout", "cancelled", "lost", "skipped"]
    ) async throws {
        let list = ids.map(String.init).joined(separator: ",")
        let client = client
        try await client.stream("/v1/events?job=\(list)") { body in
            // The first bytes say that it watches; what is asked now misses nothing.
            for try await _ in body {
                var missing = false
                for id in ids {
                    let state = try await client.get("/v1/jobs/\(id)")["job"]?["state"]?.stringValue ?? ""
                    if !states.contains(state) { missing = true }
                }
                if !missing { return }
            }
            throw Failure(description: "the events ended before jobs \(list) did")
        }
    }
}

extension Descriptor {
    /// To a socket whose other end may be gone, which would otherwise raise SIGPIPE.
    func send(_ text: String) throws(Errno) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let raw = rawValue
            let sent = rest.withUnsafeBytes { Glibc.send(raw, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            guard sent > 0 else { throw Errno(rawValue: errno) }
            rest = rest.dropFirst(sent)
        }
    }

    func readToEnd() -> String {
        var bytes: [UInt8] = []
        // A reset is an end, too: the other side had enough of what we sent, and what it said before counts.
        while let part = try? read(), !part.isEmpty { bytes += part }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Looks again whenever something happens in a directory, until it is as wanted.
func waitForChange(of directory: String, until isDone: () throws -> Bool) throws {
    let queue = inotify_init1(CInt(O_CLOEXEC))
    defer { close(queue) }
    inotify_add_watch(queue, directory, UInt32(IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MODIFY))
    var buffer = [UInt8](repeating: 0, count: 4096)
    while try !isDone() {
        var entry = pollfd(fd: queue, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, -1) > 0 else { throw Daemon.Failure(description: "poll: \(errno)") }
        _ = read(queue, &buffer, buffer.count)
    }
}

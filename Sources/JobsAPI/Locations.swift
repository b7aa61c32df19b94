// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Where an instance of jobs keeps its state and its socket; CLI and daemon go by the same rules.
public struct Locations: Hashable, Sendable {
    /// What survives a reboot: the store, the output of jobs, the daemon's log.
    public var state: String
    /// What does not: the socket and locks.
    public var runtime: String
    /// `true` if a JOBS_ variable names the place: then it is this instance and no other.
    public var isExplicit: Bool

    public init(state: String, runtime: String, isExplicit: Bool = false) {
        self.state = state
        self.runtime = runtime
        self.isExplicit = isExplicit
    }

    /// Where a daemon of root's is found, whoever asks.
    public static let system = Locations(state: "/var/lib/jobs", runtime: "/run/jobs")

    public var socket: String { runtime + "/jobs.sock" }
    /// The socket that lives as long as the daemon's process; see ``lifeSocket(beside:)``.
    public var lifeSocket: String { Self.lifeSocket(beside: socket) }
    /// What a daemon that the CLI started writes to.
    public var log: String { state + "/jobsd.log" }

    /// Where a daemon that does not answer yet, or no more, is recognised: it listens there from its first moment to its last,
    /// and accepts nothing, so that a connection ends with its process.
    ///
    /// - Parameter socket: that of the API, which is no shorter.
    public static func lifeSocket(beside socket: String) -> String {
        directory(of: socket) + "/life.sock"
    }

    /// The runtime directory that a socket lies in.
    public static func directory(of socket: String) -> String {
        String(socket[..<(socket.lastIndex(of: "/") ?? socket.startIndex)])
    }

    /// The places of this process's user.
    public static func current() throws(LocationsError) -> Locations {
        try find(
            user: geteuid(), variable: { getenv($0).map { String(cString: $0) } },
            home: { homeDirectory(of: geteuid()) }, isDirectory: isDirectory)
    }

    /// The rules without the process around them.
    ///
    /// A state directory that is named alone holds the runtime directory, too: two instances never share a socket.
    public static func find(
        user: UInt32, variable: (String) -> String?, home: () -> String?, isDirectory: (String) -> Bool
    ) throws(LocationsError) -> Locations {
        // The XDG specification: a relative path is to be ignored. Ours are mistakes to speak of.
        func xdg(_ name: String) -> String? { variable(name).flatMap { $0.hasPrefix("/") ? $0 : nil } }
        var own: [String: String] = [:]
        for name in ["JOBS_STATE_DIR", "JOBS_RUNTIME_DIR"] {
            guard let path = variable(name), !path.isEmpty else { continue }
            guard path.hasPrefix("/") else { throw LocationsError("\(name) is '\(path)'; make it an absolute path") }
            own[name] = trimmed(path)
        }
        let state: String
        if let path = own["JOBS_STATE_DIR"] {
            state = path
        } else if user == 0 {
            state = system.state
        } else if let path = xdg("XDG_STATE_HOME") {
            state = trimmed(path) + "/jobs"
        } else if let home = xdg("HOME") ?? home() {
            state = trimmed(home) + "/.local/state/jobs"
        } else {
            throw LocationsError("user \(user) has no home directory; set JOBS_STATE_DIR to a directory of yours")
        }
        let runtime: String
        if let path = own["JOBS_RUNTIME_DIR"] {
            runtime = path
        } else if own["JOBS_STATE_DIR"] != nil {
            runtime = state + "/run"
        } else if user == 0 {
            runtime = system.runtime
        } else if let path = xdg("XDG_RUNTIME_DIR") {
            runtime = trimmed(path) + "/jobs"
        } else if isDirectory("/run/user/\(user)") {
            // cron has no XDG_RUNTIME_DIR and must find the same daemon.
            runtime = "/run/user/\(user)/jobs"
        } else {
            runtime = state + "/run"
        }
        let locations = Locations(state: state, runtime: runtime, isExplicit: !own.isEmpty)
        let length = locations.socket.utf8.count
        // sun_path of sockaddr_un, which ends with a NUL.
        guard length < 108 else {
            throw LocationsError(
                "the socket's path \(locations.socket) has \(length) bytes and the kernel takes 107; set JOBS_RUNTIME_DIR to a shorter directory"
            )
        }
        return locations
    }

    /// The places of all queues whose files a job of `user` could open: this one, root's and the user's own.
    public func reachable(by user: UInt32, home: String?) -> [Locations] {
        let own = try? Self.find(user: user, variable: { _ in nil }, home: { home }, isDirectory: Self.isDirectory)
        return [self, .system] + (own.map { [$0] } ?? [])
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// From the user database: cron sets no HOME for some, and sudo leaves the caller's.
    private static func homeDirectory(of user: uid_t) -> String? {
        guard let entry = getpwuid(user), let home = entry.pointee.pw_dir, home.pointee == 47 else { return nil }
        return String(cString: home)
    }

    private static func trimmed(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }
}

/// Why there is no place for an instance; one sentence with the remedy.
public struct LocationsError: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import SystemPackage

/// A program in a session of its own that says on descriptor 3 when it is ready.
struct BackgroundLaunch {
    var program: String
    var arguments: [String]
    /// Where its standard output and error go: what a crash prints must not be lost.
    var log: String
    var environment: [String] = []

    /// Starts it and waits until it has spoken or ended.
    ///
    /// - Returns: its pid and its word without the line's end; empty if it ended without one.
    func run() throws(Errno) -> (pid: pid_t, word: String) {
        let (reader, pid) = try start()
        var word: [UInt8] = []
        // The end comes when it closes the descriptor, by itself or by its death.
        while case let part = try reader.read(), !part.isEmpty { word += part }
        while let last = word.last, last == 10 || last == 32 { word.removeLast() }
        return (pid, String(decoding: word, as: UTF8.self))
    }

    /// Only here is the writing end open: afterwards it is the child's alone.
    private func start() throws(Errno) -> (reader: Descriptor, pid: pid_t) {
        let (reader, writer) = try Descriptor.pipe()
        // Whatever else is open here stays here; descriptor 3 is made anew in the child.
        Descriptor.closeOnExec(from: 3)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // First, because the pipe may be one of 0, 1 and 2.
        posix_spawn_file_actions_adddup2(&actions, writer.rawValue, 3)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        let pid = try spawn(program, arguments, environment, actions: &actions, newSession: true)
        return (reader, pid)
    }
}

/// Starts a program with default signals. See `posix_spawn(3)`.
func spawn(
    _ program: String, _ arguments: [String], _ environment: [String], actions: inout posix_spawn_file_actions_t,
    newSession: Bool
) throws(Errno) -> pid_t {
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigdefault(&attributes, &all)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    // POSIX_SPAWN_SETSID is of glibc 2.26 and hidden without _GNU_SOURCE.
    let setsid: Int32 = newSession ? 0x80 : 0
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | setsid))
    var pid: pid_t = 0
    let error = withCStrings([program] + arguments) { arguments in
        withCStrings(environment) { environment in
            posix_spawnp(&pid, program, &actions, &attributes, arguments, environment)
        }
    }
    if error != 0 { throw Errno(rawValue: error) }
    return pid
}

// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import SystemPackage

/// Runs `body` in a new process that borrows this one's memory until it execs or returns its exit status.
///
/// The borrowing has a purpose: page faults are charged to the memory's owner, so nothing the child does before its
/// execve is charged to the cgroup it was started in. What `body` writes to memory is visible here when this returns.
/// Only for single-threaded programs.
///
/// - Parameter shareMemory: `false` copies memory as fork does; needed where the kernel refuses to share it.
/// - Returns: the child's pid, after it has exec'd or ended.
package func runChild(
    namespaces: UInt64 = 0, cgroup: CInt = -1, shareMemory: Bool = true, _ body: @escaping () -> CInt
) throws(Errno) -> pid_t {
    // Escaping, because the child's references to it are never given back: its execve forgets them.
    var context = body
    let result = withUnsafeMutablePointer(to: &context) { pointer in
        let enter: @convention(c) (UnsafeMutableRawPointer?) -> CInt = { raw in
            guard let raw else { return 126 }
            return raw.assumingMemoryBound(to: (() -> CInt).self).pointee()
        }
        return shareMemory
            ? clinux_vfork(namespaces, cgroup, enter, pointer) : clinux_fork(namespaces, cgroup, enter, pointer)
    }
    if result < 0 { throw Errno(rawValue: CInt(-result)) }
    return pid_t(result)
}

/// Handles every signal as by default, as do all processes made by this one.
package func resetSignalDispositions() { clinux_reset_dispositions() }

/// Blocks no signal in this process.
package func unblockSignals() { clinux_set_signals_blocked(0) }

/// Blocks all signals but SIGKILL and SIGSTOP, also 32 and 33, which glibc's functions pass over.
package func blockSignals() { clinux_set_signals_blocked(1) }

/// Has the kernel kill this process in `microseconds`, unless it has executed another program by then: an execve deletes a
/// process's timers. See `timer_create(2)`.
///
/// Nothing else ends a process in time that is held up in its execve while its parent, by `CLONE_VFORK`, waits for that.
package func killUnlessExecuted(within microseconds: Int) throws(Errno) {
    var event = sigevent()
    event.sigev_signo = SIGKILL
    event.sigev_notify = CInt(SIGEV_SIGNAL)
    var timer: CInt = 0
    let created = withUnsafePointer(to: &event) { event in
        withUnsafeMutablePointer(to: &timer) {
            clinux_syscall(Int(SYS_timer_create), Int(CLOCK_MONOTONIC), event.address, $0.address, 0, 0, 0)
        }
    }
    if created < 0 { throw Errno(rawValue: CInt(-created)) }
    let usec = max(1, microseconds)
    let due = itimerspec(
        it_interval: timespec(), it_value: timespec(tv_sec: usec / 1_000_000, tv_nsec: usec % 1_000_000 * 1000))
    let set = withUnsafePointer(to: due) { clinux_syscall(Int(SYS_timer_settime), Int(timer), 0, $0.address, 0, 0, 0) }
    if set < 0 { throw Errno(rawValue: CInt(-set)) }
}

/// Replaces this process, looking `arguments[0]` up in `path` as a shell does.
///
/// - Returns: only on failure. `EACCES` wins over `ENOENT`, as in `execvp(3)`: a file that exists but may not be run is
///   the more useful news.
package func execute(_ arguments: [String], environment: [String], path: String) -> Errno {
    guard let command = arguments.first, !command.isEmpty else { return .noSuchFileOrDirectory }
    var result = Errno.noSuchFileOrDirectory
    return withCStrings(environment) { environment in
        for candidate in candidates(for: command, in: path) {
            let error = withCStrings(arguments) { arguments in
                execve(candidate, arguments, environment)
                return Errno.current
            }
            switch error {
            case .noSuchFileOrDirectory, .notDirectory: continue
            case .permissionDenied: result = error
            case .execFormatError:
                // A script without a #! line: what every shell and execvp(3) do.
                return withCStrings(["/bin/sh", candidate] + arguments.dropFirst()) { script in
                    execve("/bin/sh", script, environment)
                    return error
                }
            default: return error
            }
        }
        return result
    }
}

/// The files that a command's name may mean, in the order in which they are tried.
package func candidates(for command: String, in path: String) -> [String] {
    guard !command.contains("/") else { return [command] }
    return path.split(separator: ":", omittingEmptySubsequences: false).map { ($0.isEmpty ? "." : $0) + "/" + command }
}

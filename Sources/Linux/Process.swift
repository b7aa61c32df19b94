// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import SystemPackage

/// A child started by ``Process/spawn(_:)``.
package struct Process: Sendable {
    package let pid: pid_t
    package let pidfd: Descriptor

    /// What to start; see `struct clinux_spawn`.
    package struct Request {
        package var path: String
        /// The file that was opened at ``path`` (`O_PATH`): it is executed even if another one lies there by now.
        package var program: Descriptor?
        package var arguments: [String]
        package var environment: [String] = []
        package var cgroup: Descriptor?
        /// Become descriptors 0, 1, 2, … of the child; everything else is closed in it.
        package var descriptors: [CInt]

        package init(path: String, arguments: [String], descriptors: [CInt]) {
            self.path = path
            self.arguments = arguments
            self.descriptors = descriptors
        }
    }

    /// Why nothing was started: the call that failed and its errno.
    package struct SpawnError: Error {
        package var call: String
        package var errno: Errno
    }

    /// Starts a process without copying this one's memory (`CLONE_VM | CLONE_VFORK`), all signals blocked in it.
    package static func spawn(_ request: Request) throws(SpawnError) -> Process {
        var pid: pid_t = 0
        var pidfd: CInt = -1
        var step: UnsafePointer<CChar>?
        let error = withCStrings(request.arguments) { arguments in
            withCStrings(request.environment) { environment in
                request.path.withCString { path in
                    request.descriptors.withUnsafeBufferPointer { descriptors in
                        var raw = clinux_spawn()
                        raw.cgroup_fd = request.cgroup?.rawValue ?? -1
                        raw.path = path
                        raw.program = request.program?.rawValue ?? -1
                        raw.argv = arguments
                        raw.envp = environment
                        raw.fds = descriptors.baseAddress
                        raw.fd_count = CInt(descriptors.count)
                        return clinux_spawn(&raw, &pid, &pidfd, &step)
                    }
                }
            }
        }
        if error != 0 {
            throw SpawnError(call: step.map { String(cString: $0) } ?? "clone3", errno: Errno(rawValue: error))
        }
        return Process(pid: pid, pidfd: Descriptor(pidfd))
    }

    /// Sets the name of this process in `ps` and `/proc/PID/comm`. See `PR_SET_NAME` in `prctl(2)`.
    ///
    /// A program that is executed by its descriptor would be called by the number of that, before Linux 6.14.
    package static func setName(_ name: String) {
        // PR_SET_NAME
        _ = name.withCString { try? syscall(Int(SYS_prctl), 15, Int(bitPattern: $0)) }
    }

    /// Takes up a child that somebody else made for us and told us of.
    package init(pid: pid_t, pidfd: Descriptor) {
        self.pid = pid
        self.pidfd = pidfd
    }

    /// Copies this process, which must be single-threaded, into new namespaces; the copy is our parent's child.
    ///
    /// Returns twice, `nil` in the copy. See `CLONE_PARENT` in `clone(2)`.
    package static func forkSibling(_ namespaces: Namespaces) throws(Errno) -> Process? {
        var pidfd: CInt = -1
        let result = clinux_fork_sibling(namespaces.rawValue, &pidfd)
        if result < 0 { throw Errno(rawValue: CInt(-result)) }
        return result == 0 ? nil : Process(pid: pid_t(result), pidfd: Descriptor(pidfd))
    }

    /// A process that had that pid at a moment, told from a later one by its start; `nil` if it is gone.
    ///
    /// See `pidfd_open(2)`, kernel 5.3.
    ///
    /// - Parameter bootTicks: that moment, as ``Clock/bootTicks``; whoever started after it has taken the pid over.
    package static func find(pid: pid_t, at bootTicks: Int) -> Process? {
        guard pid > 0, let raw = try? syscall(Int(SYS_pidfd_open), Int(pid), 0) else { return nil }
        let found = Process(pid: pid, pidfd: Descriptor(CInt(raw)))
        // The descriptor first: a pid that is taken over after this line is not the one it holds. A zombie is gone, too.
        guard let start = ProcessStat.startTicks(of: "\(pid)"), start <= bootTicks else { return nil }
        return found.isAlive ? found : nil
    }

    /// Whether it has not ended; a zombie has.
    package var isAlive: Bool { !ends(within: 0) }

    /// Waits for its end, which leaves it to be reaped; `false` if it has not come by then.
    package func ends(within milliseconds: CInt) -> Bool {
        var poll = pollfd(fd: pidfd.rawValue, events: CShort(POLLIN), revents: 0)
        return Glibc.poll(&poll, 1, milliseconds) != 0
    }

    /// Sends a signal without the risk of a recycled pid. See `pidfd_send_signal(2)`.
    package func signal(_ number: CInt) throws(Errno) {
        try syscall(Int(SYS_pidfd_send_signal), Int(pidfd.rawValue), Int(number))
    }

    /// Reaps the child and returns its wait status; blocks until it has ended.
    package func wait() throws(Errno) -> CInt {
        var status: CInt = 0
        let pid = pid
        try checked { waitpid(pid, &status, 0) }
        return status
    }
}

/// A child that has changed state, as `wait4(2)` tells it.
package struct ChildEvent: Sendable {
    package var pid: pid_t
    package var status: CInt
}

/// The next child that ended or stopped, `nil` if none has; `ECHILD` if there are no children left.
package func nextChild() throws(Errno) -> ChildEvent? {
    var status: CInt = 0
    let pid = try checked { waitpid(-1, &status, WNOHANG | WUNTRACED) }
    return pid == 0 ? nil : ChildEvent(pid: pid, status: status)
}

/// The child that was killed by a signal and waits to be reaped, left as a zombie; `nil` if the next one is no such child.
package func peekKilledChild() -> pid_t? {
    var info = siginfo_t()
    guard waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0, info.si_code == CInt(CLD_KILLED) else {
        return nil
    }
    return info._sifields._sigchld.si_pid
}

/// Calls `body` with a NULL-terminated array of C strings.
package func withCStrings<R>(_ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R) -> R {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    pointers.append(nil)
    defer { pointers.forEach { free($0) } }
    return pointers.withUnsafeBufferPointer { buffer in
        // A non-empty array has a base address.
        body(buffer.baseAddress!)
    }
}

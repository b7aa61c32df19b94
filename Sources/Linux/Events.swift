// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import SystemPackage

/// A timer that becomes readable when it fires. See `timerfd_create(2)`.
package struct Timer: Sendable {
    package let descriptor: Descriptor

    /// - Parameter ofWallClock: for ``arm(at:)`` alone: it follows the clock when that is set or the machine slept. Otherwise
    ///   its clock is the monotonic one.
    package init(ofWallClock: Bool = false) throws(Errno) {
        let clock = Int(ofWallClock ? CLOCK_REALTIME : CLOCK_MONOTONIC)
        descriptor = Descriptor(
            CInt(try syscall(Int(SYS_timerfd_create), clock, Int(O_CLOEXEC | O_NONBLOCK))))
    }

    /// Fires once in `microseconds` from now; at least 1, because 0 disarms.
    package func arm(microseconds: Int) throws(Errno) {
        try set(microseconds, flags: 0)
    }

    /// Does not fire any more.
    package func disarm() {
        _ = try? set(itimerspec(), flags: 0)
    }

    /// Fires once when its clock shows that many microseconds, at once if that is past.
    package func arm(at microseconds: Int) throws(Errno) {
        // TFD_TIMER_ABSTIME
        try set(microseconds, flags: 1)
    }

    private func set(_ microseconds: Int, flags: Int) throws(Errno) {
        let usec = max(1, microseconds)
        try set(
            itimerspec(
                it_interval: timespec(), it_value: timespec(tv_sec: usec / 1_000_000, tv_nsec: usec % 1_000_000 * 1000)),
            flags: flags)
    }

    private func set(_ value: itimerspec, flags: Int) throws(Errno) {
        var value = value
        let raw = Int(descriptor.rawValue)
        let result = withUnsafePointer(to: &value) {
            clinux_syscall(Int(SYS_timerfd_settime), raw, flags, $0.address, 0, 0, 0)
        }
        if result < 0 { throw Errno(rawValue: CInt(-result)) }
    }

    /// Takes note of the firing, so that the descriptor is no longer readable.
    package func acknowledge() { _ = try? descriptor.read(limit: 8) }
}

/// Signals as readable data. See `signalfd(2)`.
package struct SignalQueue: Sendable {
    package let descriptor: Descriptor

    /// Blocks `signals` for this thread and those it starts, and queues them here.
    package init(_ signals: [CInt]) throws(Errno) {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        let result = withUnsafePointer(to: &set) {
            // The kernel's signal set is 8 bytes, glibc's 128.
            clinux_syscall(Int(SYS_signalfd4), -1, $0.address, 8, Int(O_CLOEXEC | O_NONBLOCK), 0, 0)
        }
        if result < 0 { throw Errno(rawValue: CInt(-result)) }
        descriptor = Descriptor(CInt(result))
    }

    /// Whether this process ignores a signal, as one that nohup(1) has started ignores SIGHUP. Once queued it would be heard
    /// all the same.
    package static func isIgnored(_ signal: CInt) -> Bool {
        var action = sigaction()
        guard sigaction(signal, nil, &action) == 0 else { return false }
        // SIG_IGN is the function at address 1.
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
    }

    /// The next signal and its sender's pid as the kernel knows it: 0 for the kernel itself and for a process of an outer
    /// PID namespace, `nil` where it was not the kernel that noted it.
    package func next() -> (signal: CInt, sender: pid_t?)? {
        guard let bytes = try? descriptor.read(limit: MemoryLayout<signalfd_siginfo>.size),
            bytes.count == MemoryLayout<signalfd_siginfo>.size
        else { return nil }
        let info = bytes.withUnsafeBytes { $0.loadUnaligned(as: signalfd_siginfo.self) }
        // kill(2), the kernel, tgkill(2): SI_USER, SI_KERNEL, SI_TKILL. With any other code, as of sigqueue(3), the sender
        // fills the rest in as it likes (do_rt_sigqueueinfo), and a signal that F_SETSIG of fcntl(2) asks for names nobody.
        let isKernels = [0, 0x80, -6].contains(info.ssi_code)
        return (CInt(info.ssi_signo), isKernels ? pid_t(bitPattern: info.ssi_pid) : nil)
    }
}

/// Readiness of many descriptors. See `epoll(7)`.
package struct Poller: Sendable {
    package let descriptor: Descriptor

    package init() throws(Errno) { descriptor = Descriptor(CInt(try syscall(Int(SYS_epoll_create1), Int(O_CLOEXEC)))) }

    /// What to wait for.
    package struct Interest: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }
        package static let readable = Interest(rawValue: 1)
        package static let priority = Interest(rawValue: 2)
        package static let writable = Interest(rawValue: 4)
        package static let hangUp = Interest(rawValue: 0x10)
    }

    package func add(_ fd: CInt, _ interest: Interest) throws(Errno) { try control(1, fd, interest) }
    package func change(_ fd: CInt, _ interest: Interest) throws(Errno) { try control(3, fd, interest) }
    package func remove(_ fd: CInt) { try? control(2, fd, []) }

    private func control(_ operation: Int, _ fd: CInt, _ interest: Interest) throws(Errno) {
        var event = epoll_event(events: interest.rawValue, data: epoll_data_t(fd: fd))
        let raw = Int(descriptor.rawValue)
        let result = withUnsafePointer(to: &event) {
            clinux_syscall(Int(SYS_epoll_ctl), raw, operation, Int(fd), $0.address, 0, 0)
        }
        if result < 0 { throw Errno(rawValue: CInt(-result)) }
    }

    /// Waits until something is ready; `timeout` in milliseconds, -1 for ever.
    package func wait(timeout: CInt = -1) throws(Errno) -> [(fd: CInt, ready: Interest)] {
        let raw = descriptor.rawValue
        var failure: Errno?
        let events = [epoll_event](unsafeUninitializedCapacity: 64) { buffer, count in
            do throws(Errno) { count = Int(try checked { epoll_wait(raw, buffer.baseAddress, 64, timeout) }) } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return events.map { ($0.data.fd, Interest(rawValue: $0.events)) }
    }
}

/// File change events. See `inotify(7)`; cgroup files raise `IN_MODIFY` when the kernel changes them.
package struct Watcher: Sendable {
    package let descriptor: Descriptor

    package init() throws(Errno) {
        descriptor = Descriptor(try checked { inotify_init1(CInt(O_CLOEXEC | O_NONBLOCK)) })
    }

    /// `IN_MODIFY` of a file, or of any file in a directory.
    @discardableResult
    package func watch(_ path: String) throws(Errno) -> CInt {
        let raw = descriptor.rawValue
        return try checked { inotify_add_watch(raw, path, UInt32(IN_MODIFY)) }
    }

    package func forget(_ id: CInt) { inotify_rm_watch(descriptor.rawValue, id) }

    /// Takes what happened since the last call: the watches whose files changed, each once; `nil` if the kernel had no
    /// room to note all of it (`IN_Q_OVERFLOW`), so that every file may have changed.
    package func changed() -> Set<CInt>? {
        var ids: Set<CInt> = []
        while let bytes = try? descriptor.read(limit: 4096), !bytes.isEmpty {
            // `struct inotify_event`: wd, mask, cookie, len, then len bytes of a name.
            var offset = 0
            while offset + 16 <= bytes.count {
                let (id, length) = bytes.withUnsafeBytes {
                    (
                        $0.loadUnaligned(fromByteOffset: offset, as: CInt.self),
                        $0.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self)
                    )
                }
                ids.insert(id)
                offset += 16 + Int(length)
            }
        }
        return ids.contains(-1) ? nil : ids
    }
}

/// Sends this process SIGIO whenever a name in the open directory is removed. See `fcntl(2)`, `F_NOTIFY`; where the kernel was
/// built without `CONFIG_DNOTIFY`, nothing happens.
///
/// Not inotify, of whose instances a user has 128 and root with all its jobs no more.
package func notifyOfRemovals(in directory: CInt) {
    // F_NOTIFY, and DN_DELETE | DN_MULTISHOT, which hide behind _GNU_SOURCE.
    _ = fcntl(directory, 1026, CInt(bitPattern: 0x8000_0008))
}

/// A counter that wakes its reader. See `eventfd(2)`.
package func makeEventCounter() throws(Errno) -> Descriptor {
    Descriptor(CInt(try syscall(Int(SYS_eventfd2), 0, Int(O_CLOEXEC | O_NONBLOCK))))
}

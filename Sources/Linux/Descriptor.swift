// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import SystemPackage

func lastErrno() -> CInt { errno }

/// An open file descriptor that is closed when the last reference to it goes; close-on-exec from birth.
package final class Descriptor: Sendable {
    package let rawValue: CInt

    /// Takes ownership of `rawValue`.
    package init(_ rawValue: CInt) { self.rawValue = rawValue }

    deinit { close(rawValue) }

    /// Standard error and output, which stay open: references that are never dropped.
    package static let standardError = Descriptor(2)
    package static let standardOutput = Descriptor(1)

    /// `O_PATH` of `open(2)`: the file is not read, and may be executed.
    package static let pathOnly = CInt(CLINUX_O_PATH)

    /// Opens `path`, relative to `directory` if one is given. See `openat(2)`.
    package static func open(
        _ path: String, at directory: Descriptor? = nil, _ flags: CInt = O_RDONLY, mode: mode_t = 0
    ) throws(Errno) -> Descriptor {
        try open(path, in: directory?.rawValue ?? AT_FDCWD, flags, mode: mode)
    }

    /// The same, relative to a descriptor that somebody else owns.
    package static func open(_ path: String, in directory: CInt, _ flags: CInt, mode: mode_t = 0) throws(Errno)
        -> Descriptor
    {
        Descriptor(try checked { path.withCString { openat(directory, $0, flags | O_CLOEXEC, mode) } })
    }

    /// A pipe; the read end first. See `pipe2(2)`.
    package static func pipe() throws(Errno) -> (read: Descriptor, write: Descriptor) {
        var ends: [CInt] = [-1, -1]
        let result = ends.withUnsafeMutableBufferPointer {
            clinux_syscall(Int(SYS_pipe2), Int(bitPattern: $0.baseAddress), Int(O_CLOEXEC), 0, 0, 0, 0)
        }
        if result < 0 { throw Errno(rawValue: CInt(-result)) }
        return (Descriptor(ends[0]), Descriptor(ends[1]))
    }

    /// An unnamed file in memory. See `memfd_create(2)`.
    package static func memory(name: String) throws(Errno) -> Descriptor {
        let result = name.withCString { clinux_syscall(Int(SYS_memfd_create), $0.address, 1, 0, 0, 0, 0) }
        if result < 0 { throw Errno(rawValue: CInt(-result)) }
        return Descriptor(CInt(result))
    }

    /// Takes room on the disk for the first bytes, without making the file longer. See `fallocate(2)`; where the file
    /// system cannot, nothing happens.
    package func reserve(bytes: Int) throws(Errno) {
        // FALLOC_FL_KEEP_SIZE
        do throws(Errno) { try syscall(Int(SYS_fallocate), Int(rawValue), 1, 0, bytes) } catch {
            if error != .notSupportedOnSocket && error != .noFunction { throw error }
        }
    }

    /// See `ftruncate(2)`.
    package func truncate() throws(Errno) {
        let raw = rawValue
        try checked { ftruncate(raw, 0) }
    }

    package func setNonBlocking(_ on: Bool = true) throws(Errno) {
        let raw = rawValue
        let flags = try checked { fcntl(raw, F_GETFL) }
        try checked { fcntl(raw, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) }
    }

    /// Writes all of `bytes`; see `write(2)`.
    package func write(_ bytes: [UInt8]) throws(Errno) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let raw = rawValue
            let count = try checked { rest.withUnsafeBytes { Glibc.write(raw, $0.baseAddress, $0.count) } }
            rest = rest.dropFirst(count)
        }
    }

    package func write(_ text: String) throws(Errno) { try write(Array(text.utf8)) }

    /// Reads what is there, at most `limit` bytes; empty at the end of the file. See `read(2)`.
    package func read(limit: Int = 65536) throws(Errno) -> [UInt8] {
        let raw = rawValue
        var failure: Errno?
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            do throws(Errno) { count = try checked { Glibc.read(raw, buffer.baseAddress, limit) } } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// The start of the file in one call, at most 16 KiB: enough for a file that the kernel writes in one piece.
    package func readOnce() throws(Errno) -> [UInt8] {
        let raw = rawValue
        var failure: Errno?
        let bytes = [UInt8](unsafeUninitializedCapacity: 16384) { buffer, count in
            do throws(Errno) { count = try checked { pread(raw, buffer.baseAddress, 16384, 0) } } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Reads from the start to the end, wherever the offset stands. See `pread(2)`.
    ///
    /// One call is enough for every cgroup file but the long lists; a file of `/proc` or a cgroup is made anew at offset 0.
    package func readAll() throws(Errno) -> [UInt8] {
        var all: [UInt8] = []
        let raw = rawValue
        while true {
            let offset = all.count
            var failure: Errno?
            let part = [UInt8](unsafeUninitializedCapacity: 16384) { buffer, count in
                do throws(Errno) { count = try checked { pread(raw, buffer.baseAddress, 16384, offset) } } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
            if part.isEmpty { return all }
            if all.isEmpty { all = part } else { all += part }
        }
    }

    /// Whether the open file still has a name; also if that cannot be told.
    package var isLinked: Bool {
        var status = stat()
        return fstat(rawValue, &status) != 0 || status.st_nlink > 0
    }

    /// Every descriptor from `first` on is closed by the next execve. See `close_range(2)` (the flag is of 5.11).
    package static func closeOnExec(from first: CInt) {
        // CLOSE_RANGE_CLOEXEC
        if (try? syscall(Int(SYS_close_range), Int(first), Int(UInt32.max), 4)) != nil { return }
        for fd in first..<256 { _ = fcntl(fd, F_SETFD, FD_CLOEXEC) }
    }
}

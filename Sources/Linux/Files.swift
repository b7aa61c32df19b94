// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import SystemPackage

/// Whole-file and directory calls by path.
package enum Files {
    package static func read(_ path: String, at directory: Descriptor? = nil) throws(Errno) -> String {
        String(decoding: try Descriptor.open(path, at: directory).readAll(), as: UTF8.self)
    }

    /// Opens `path` if a file of that kind is there, and does not wait, as the open of a FIFO would.
    ///
    /// - Parameter kind: one of the `S_IF…` bits; anything else is `EINVAL`.
    package static func open(
        _ path: String, as kind: mode_t, _ flags: CInt = O_RDONLY, mode: mode_t = 0
    ) throws(Errno) -> Descriptor {
        let file = try Descriptor.open(path, flags | O_NONBLOCK | O_NOCTTY, mode: mode)
        var status = stat()
        let raw = file.rawValue
        try checked { fstat(raw, &status) }
        guard status.st_mode & S_IFMT == kind else { throw .invalidArgument }
        return file
    }

    /// Writes `text` to a file that exists, in one `write(2)`: what cgroup and `/proc` files need.
    package static func write(_ text: String, to path: String, at directory: Descriptor? = nil) throws(Errno) {
        try Descriptor.open(path, at: directory, O_WRONLY).write(text)
    }

    package static func makeDirectory(_ path: String, mode: mode_t = 0o755) throws(Errno) {
        try checked { mkdir(path, mode) }
    }

    /// Makes a directory and those above it that are missing.
    ///
    /// - Returns: whether it was missing itself.
    @discardableResult
    package static func makeDirectories(_ path: String, mode: mode_t = 0o755) throws(Errno) -> Bool {
        var made = ""
        var isNew = false
        for part in path.split(separator: "/") {
            made += "/" + part
            isNew = true
            do throws(Errno) { try makeDirectory(made, mode: mode) } catch {
                if error != .fileExists { throw error }
                isNew = false
            }
        }
        return isNew
    }

    package static func removeDirectory(_ path: String) throws(Errno) { try checked { rmdir(path) } }

    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    package static func isWritable(_ path: String) -> Bool { access(path, W_OK) == 0 }

    /// What a symbolic link points to.
    package static func readLink(_ path: String, at directory: Descriptor? = nil) throws(Errno) -> String {
        var failure: Errno?
        let start = directory?.rawValue ?? AT_FDCWD
        let bytes = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
            do throws(Errno) { count = try checked { readlinkat(start, path, buffer.baseAddress!, 4096) } } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return String(decoding: bytes, as: UTF8.self)
    }

    package static func status(_ path: String) throws(Errno) -> stat {
        var result = stat()
        try checked { stat(path, &result) }
        return result
    }

    /// The same of a symbolic link itself. See `lstat(2)`.
    package static func linkStatus(_ path: String) throws(Errno) -> stat {
        var result = stat()
        try checked { lstat(path, &result) }
        return result
    }

    /// The size of the file system that `path` lies on, in bytes. See `statvfs(3)`.
    package static func fileSystemBytes(_ path: String) throws(Errno) -> Int {
        var status = statvfs()
        try checked { statvfs(path, &status) }
        let (bytes, overflow) = Int(clamping: status.f_blocks).multipliedReportingOverflow(by: Int(status.f_frsize))
        return overflow ? .max : bytes
    }

    /// Names in a directory and whether each is a directory itself; `.` and `..` left out, in no order.
    package static func list(_ path: String) throws(Errno) -> [(name: String, isDirectory: Bool)] {
        guard let stream = opendir(path) else { throw Errno.current }
        defer { closedir(stream) }
        var entries: [(String, Bool)] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { entries.append((name, entry.pointee.d_type == UInt8(DT_DIR))) }
        }
        return entries
    }

    /// The value of an extended attribute, `nil` if it is not set or cannot be read. See `getxattr(2)`.
    package static func attribute(_ name: String, of path: String) -> String? {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = path.withCString { path in
            name.withCString { name in
                bytes.withUnsafeMutableBytes {
                    clinux_syscall(
                        Int(SYS_getxattr), path.address, name.address, Int(bitPattern: $0.baseAddress), $0.count, 0, 0)
                }
            }
        }
        return count < 0 ? nil : String(decoding: bytes[0..<count], as: UTF8.self)
    }

    /// Sets an extended attribute. See `setxattr(2)`.
    package static func setAttribute(_ name: String, of path: String, to value: String) throws(Errno) {
        let value = Array(value.utf8)
        let result = path.withCString { path in
            name.withCString { name in
                value.withUnsafeBytes {
                    clinux_syscall(
                        Int(SYS_setxattr), path.address, name.address, Int(bitPattern: $0.baseAddress), $0.count, 0, 0)
                }
            }
        }
        if result < 0 { throw Errno(rawValue: CInt(-result)) }
    }

    /// The working directory; `ENOENT` if it was removed, or lies outside of what can be reached from the root, `EILSEQ` if its
    /// name is not UTF-8: a repaired name would be that of another directory.
    package static func currentDirectory() throws(Errno) -> String {
        guard let path = getcwd(nil, 0) else { throw Errno.current }
        defer { free(path) }
        guard let text = String(validatingCString: path) else { throw .illegalByteSequence }
        // "(unreachable)/…", from the kernel itself.
        guard text.hasPrefix("/") else { throw .noSuchFileOrDirectory }
        return text
    }
}

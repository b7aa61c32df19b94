// SPDX-License-Identifier: Apache-2.0
import Glibc
import SystemPackage

/// Stream sockets that have a path. See `unix(7)`.
package enum LocalSocket {
    /// Connects without waiting: `EAGAIN` means that as many connections as may are not accepted yet.
    package static func connect(to path: String) throws(Errno) -> Descriptor {
        let socket = try make()
        try at(path) { address, length in Glibc.connect(socket.rawValue, address, length) }
        return socket
    }

    /// Listens at `path` in place of whatever socket was there, for everybody; connections are taken from the first moment
    /// in which the path is seen.
    package static func listen(at path: String, backlog: CInt) throws(Errno) -> Descriptor {
        let socket = try make()
        let draft = draft(of: path)
        unlink(draft)
        try at(draft) { address, length in bind(socket.rawValue, address, length) }
        try checked { Glibc.listen(socket.rawValue, backlog) }
        try publish(path, mode: 0o666)
        return socket
    }

    /// Where a socket is bound until connections are taken and its mode is set: a client that saw it earlier would be refused.
    ///
    /// No longer than the path itself, for which there may be no room.
    package static func draft(of path: String) -> String { String(path.dropLast()) + "~" }

    /// Gives the socket at ``draft(of:)`` its mode and its name, in place of whatever socket had that.
    ///
    /// - Parameter group: of those who may connect besides the owner, if `mode` lets a group; the process's own if `nil`.
    package static func publish(_ path: String, mode: mode_t, group: gid_t? = nil) throws(Errno) {
        let draft = draft(of: path)
        if let group { try checked { chown(draft, uid_t.max, group) } }
        try checked { chmod(draft, mode) }
        try checked { rename(draft, path) }
    }

    /// `true` if connections are taken at `path`, or would be of other users: waiting does not help against a refusal.
    package static func isListening(at path: String) -> Bool {
        do throws(Errno) { _ = try connect(to: path) } catch {
            return error == .resourceTemporarilyUnavailable || error == .permissionDenied
        }
        return true
    }

    private static func make() throws(Errno) -> Descriptor {
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        return Descriptor(try checked { socket(AF_UNIX, kind, 0) })
    }

    private static func at(_ path: String, _ call: (UnsafePointer<sockaddr>, socklen_t) -> CInt) throws(Errno) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        // With the NUL at its end.
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { throw .fileNameTooLong }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                call($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if result < 0 { throw Errno(rawValue: errno) }
    }
}

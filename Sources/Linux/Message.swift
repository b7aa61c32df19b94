// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import SystemPackage

/// Messages with descriptors between two processes of ours; see `SCM_RIGHTS` in `unix(7)`.
extension Descriptor {
    /// Two ends of a socket that keeps messages whole.
    package static func messageSocket() throws(Errno) -> (Descriptor, Descriptor) {
        var ends: [CInt] = [-1, -1]
        try checked { socketpair(AF_UNIX, CInt(SOCK_SEQPACKET.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0, &ends) }
        return (Descriptor(ends[0]), Descriptor(ends[1]))
    }

    package func send(_ bytes: [UInt8], descriptors: [CInt] = []) throws(Errno) {
        try check(clinux_send(rawValue, bytes, bytes.count, descriptors, CInt(descriptors.count)))
    }

    /// The next message, of at most 64 bytes, and its descriptors, which the caller owns; `nil` when the other end is gone.
    ///
    /// There are no descriptors (`nil`) if our limit of open files had no room for all of them.
    package func receive() throws(Errno) -> (bytes: [UInt8], descriptors: [CInt]?)? {
        var bytes = [UInt8](repeating: 0, count: 64)
        var descriptors = [CInt](repeating: -1, count: Int(CLINUX_MOST_DESCRIPTORS))
        var count: CInt = 0
        let size = clinux_receive(rawValue, &bytes, bytes.count, &descriptors, &count)
        if size < 0 { throw Errno(rawValue: CInt(-size)) }
        if size == 0 { return nil }
        return (Array(bytes.prefix(size)), count < 0 ? nil : Array(descriptors.prefix(Int(count))))
    }

    /// Lets ``receive()`` and ``send(_:descriptors:)`` fail with `EAGAIN` when nothing has come or gone for so long. See
    /// `SO_RCVTIMEO` in `socket(7)`.
    package func setTimeout(seconds: Int) throws(Errno) {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        let raw = rawValue
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            try checked { setsockopt(raw, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size)) }
        }
    }

    /// Makes `descriptors` this process's 0, 1, 2, … and closes everything else.
    ///
    /// Every other object that owns a descriptor now owns a wrong one: for a process that is about to become something else.
    package static func arrange(_ descriptors: [CInt]) throws(Errno) {
        try check(clinux_arrange(descriptors, CInt(descriptors.count)))
    }
}

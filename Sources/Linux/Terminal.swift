// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import SystemPackage

/// Terminals and pseudo-terminals.
package enum Terminal {
    package static func isTerminal(_ fd: CInt) -> Bool { isatty(fd) == 1 }

    package static func openPair() throws(Errno) -> (master: Descriptor, slave: Descriptor) {
        var master: CInt = -1
        var slave: CInt = -1
        try check(clinux_pty_open(&master, &slave))
        _ = fcntl(master, F_SETFD, FD_CLOEXEC)
        _ = fcntl(slave, F_SETFD, FD_CLOEXEC)
        return (Descriptor(master), Descriptor(slave))
    }

    /// Makes the terminal on `fd` the controlling one of this session.
    package static func takeControl(of fd: CInt) throws(Errno) { try check(clinux_set_controlling_tty(fd)) }

    package static func size(of fd: CInt) -> (rows: UInt16, columns: UInt16)? {
        var rows: UInt16 = 0
        var columns: UInt16 = 0
        return clinux_get_winsize(fd, &rows, &columns) == 0 ? (rows, columns) : nil
    }

    package static func setSize(of fd: CInt, rows: UInt16, columns: UInt16) {
        _ = clinux_set_winsize(fd, rows, columns)
    }
}

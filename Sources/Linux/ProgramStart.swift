// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The first steps of every program that a user or an init starts.
package enum ProgramStart {
    /// Opens /dev/null for each standard stream that is closed. Otherwise a file that we open takes its number, and is
    /// taken for the command's input or gets our messages.
    ///
    /// - Returns: why the program cannot go on, for the user.
    package static func problem() -> String? {
        for stream in CInt(0)...2 where fcntl(stream, F_GETFD) < 0 { _ = open("/dev/null", O_RDWR) }
        // The Swift runtime reads the arguments there: without it not even flags would be known.
        guard CommandLine.argc > 0 else {
            return "/proc is not mounted, and nothing works without it: mount -t proc proc /proc"
        }
        return nil
    }
}

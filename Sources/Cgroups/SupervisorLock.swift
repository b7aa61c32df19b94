// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import SystemPackage

/// The lock that a supervisor holds on an attempt's directory, and the kernel drops with it. See `flock(2)`.
///
/// It says that the supervisor lives to everybody who sees the directory: in every PID and time namespace, with any /proc.
/// Anybody may hold it, so it keeps a cgroup from being cleaned up and never causes it.
enum SupervisorLock {
    /// Takes the lock, for as long as the descriptor is open; `nil` if somebody else was faster.
    static func take(_ path: String) -> Descriptor? {
        guard let directory = try? Descriptor.open(path, O_RDONLY | O_DIRECTORY),
            flock(directory.rawValue, LOCK_EX | LOCK_NB) == 0
        else { return nil }
        return directory
    }

    static func isHeld(_ path: String) -> Bool {
        guard let directory = try? Descriptor.open(path, O_RDONLY | O_DIRECTORY) else { return false }
        // Shared: two that look at the same time are not in each other's way.
        return flock(directory.rawValue, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }
}

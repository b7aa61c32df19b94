// SPDX-License-Identifier: Apache-2.0

/// Where facts are read from; a test puts a directory of files there.
package struct Roots: Sendable {
    package var proc = "/proc"
    /// Prefix of `/etc`, `/boot`, `/run` and the marks of containers; `/sys/fs/cgroup` is where `proc` says.
    package var system = ""
    package var environment: [String: String]

    package init(proc: String = "/proc", system: String = "", environment: [String: String] = [:]) {
        self.proc = proc
        self.system = system
        self.environment = environment
    }
}

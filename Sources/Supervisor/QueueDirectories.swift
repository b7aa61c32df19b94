// SPDX-License-Identifier: Apache-2.0
import Sandbox

/// Where queues keep their files on this machine, as far as a job could open them.
package struct QueueDirectories: Hashable, Sendable {
    /// Outer ones first.
    package var all: [String]
    /// Which of them have a socket.
    package var runtime: [String]

    /// In each of those a directory that holds the socket under a second name, and nothing else.
    package static let socketFolder = Plan.socketFolder

    /// The one that `path` is or lies in.
    func holder(of path: String) -> String? { all.first { path == $0 || path.hasPrefix($0 + "/") } }

    package init(state: [String] = [], runtime: [String] = []) {
        all = Set(state + runtime).sorted()
        self.runtime = Set(runtime).sorted()
    }
}

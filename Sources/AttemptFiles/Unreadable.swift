// SPDX-License-Identifier: Apache-2.0
import SystemPackage

/// Why a file of an attempt cannot be understood. It says nothing about the job: an attempt that runs is left to run.
package struct Unreadable: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Reason: Hashable, Sendable {
        /// The writer says that older readers would misunderstand it.
        case needs(format: Int)
        /// A frame that may not be passed over.
        case unknownFrame(kind: Int)
        case damage(String)
        case system(Errno)
    }

    package var path: String
    package var reason: Reason

    package init(_ path: String, _ reason: Reason) { (self.path, self.reason) = (path, reason) }

    package var description: String {
        let reason =
            switch reason {
            case .needs(let format):
                "it is of a later version of jobs (format \(format), and this one reads up to \(FileFormat.current.number)); start that one again"
            case .unknownFrame(let kind): "it is of a later version of jobs (frame \(kind)); start that one again"
            case .damage(let detail): "it is damaged: \(detail)"
            case .system(let errno): "\(errno)"
            }
        return "cannot read \(path): \(reason)"
    }
}

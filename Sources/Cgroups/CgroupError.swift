// SPDX-License-Identifier: Apache-2.0
import SystemPackage

/// A cgroup operation that failed: what, where, with which value, why, and what to do about it.
package struct CgroupError: Error, CustomStringConvertible {
    package var operation: String
    package var path: String
    package var value: String?
    package var errno: Errno?
    package var remedy: String?

    package init(_ operation: String, _ path: String, value: String? = nil, errno: Errno? = nil, remedy: String? = nil)
    {
        self.operation = operation
        self.path = path
        self.value = value
        self.errno = errno
        self.remedy = remedy
    }

    package var description: String {
        var text = "cannot \(operation) \(path)"
        if let value { text += " ('\(value)')" }
        if let errno { text += ": \(errno)" }
        if let remedy { text += "; \(remedy)" }
        return text
    }
}

/// A limit that this machine cannot enforce, why, and how to change that.
package struct Unenforceable: Hashable, Sendable {
    package var limit: String
    package var reason: String
    package var remedy: String

    package init(limit: String, reason: String, remedy: String) {
        self.limit = limit
        self.reason = reason
        self.remedy = remedy
    }
}

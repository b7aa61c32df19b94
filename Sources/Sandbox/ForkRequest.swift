// SPDX-License-Identifier: Apache-2.0
import Linux

/// What a supervisor asks of a jobs-init that waits to be copied; the copy's descriptors come with it, in their order.
package struct ForkRequest: Archivable, Hashable, Sendable {
    /// Those that the copy begins in.
    package var namespaces = Namespaces(rawValue: 0)
    /// The last descriptor is not the copy's: a byte comes through it when its user namespace has its maps.
    package var waits = false

    package init() {}

    package init(namespaces: Namespaces, waits: Bool) {
        self.namespaces = namespaces
        self.waits = waits
    }

    package mutating func code(_ archive: inout Archive) {
        var raw = namespaces.rawValue
        archive.field(&raw)
        namespaces = Namespaces(rawValue: raw)
        archive.field(&waits)
    }
}

/// The answer: the copy's pid, with its pidfd as the message's one descriptor, or a negated errno.
package struct ForkAnswer: Archivable, Hashable, Sendable {
    package var result = 0

    package init() {}

    package init(_ result: Int) { self.result = result }

    package mutating func code(_ archive: inout Archive) { archive.field(&result) }
}

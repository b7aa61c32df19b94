// SPDX-License-Identifier: Apache-2.0
import Linux

/// What a supervisor asks of a jobs-init that waits to be copied; the copy's descriptors come with it, in their order.
package struct ForkRequest: Hashable, Sendable {
    /// Those that the copy begins in.
    package var namespaces: Namespaces
    /// The last descriptor is not the copy's: a byte comes through it when its user namespace has its maps.
    package var waits: Bool

    package init(namespaces: Namespaces, waits: Bool) {
        self.namespaces = namespaces
        self.waits = waits
    }

    package var bytes: [UInt8] {
        var archive = Archive.writing()
        var copy = self
        copy.code(&archive)
        return archive.bytes
    }

    /// `nil` if the bytes are not a whole request of this build.
    package init?(_ bytes: [UInt8]) {
        self.init(namespaces: Namespaces(rawValue: 0), waits: false)
        var archive = Archive.reading(bytes)
        code(&archive)
        guard archive.isWhole else { return nil }
    }

    private mutating func code(_ archive: inout Archive) {
        var raw = namespaces.rawValue
        archive.field(&raw)
        namespaces = Namespaces(rawValue: raw)
        archive.field(&waits)
    }
}

/// The answer: the copy's pid, with its pidfd as the message's one descriptor, or a negated errno.
package struct ForkAnswer: Hashable, Sendable {
    package var result: Int

    package init(_ result: Int) { self.result = result }

    package var bytes: [UInt8] {
        var archive = Archive.writing()
        var copy = result
        archive.field(&copy)
        return archive.bytes
    }

    /// `nil` if the bytes are not a whole answer of this build.
    package init?(_ bytes: [UInt8]) {
        var archive = Archive.reading(bytes)
        result = 0
        archive.field(&result)
        guard archive.isWhole else { return nil }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Linux
import SystemPackage
import Testing

/// A socket has its name only when connections are taken and its mode is set.
@Suite struct LocalSocketTests {
    private let folder: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    @Test func `a published socket has its mode from the first moment, in place of an earlier one`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/s.sock"
        let earlier = try LocalSocket.listen(at: path, backlog: 1)
        let inode = try Files.status(path).st_ino
        #expect(try Files.status(path).st_mode & 0o777 == 0o666)
        let later = try LocalSocket.listen(at: path, backlog: 1)
        #expect(try Files.status(path).st_ino != inode && LocalSocket.isListening(at: path))
        #expect(!Files.exists(LocalSocket.draft(of: path)))
        withExtendedLifetime((earlier, later)) {}
    }

    @Test func `a socket that cannot be given to its group keeps the name of a draft`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/s.sock"
        #expect(LocalSocket.draft(of: path).utf8.count == path.utf8.count)
        #expect(throws: Errno.noSuchFileOrDirectory) { try LocalSocket.publish(path, mode: 0o660, group: getgid()) }
        #expect(!Files.exists(path))
    }
}

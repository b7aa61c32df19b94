// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The files that SQLite has open, and whether their names still lead to them.
///
/// A file that was unlinked or replaced goes on to take commits, which nobody will ever read: an answer that says "on disk"
/// would be true of a file without a name. The log is looked at as well, because it holds the newest commits.
struct OpenFiles: Sendable {
    private struct Identity: Equatable {
        var device: UInt
        var inode: UInt

        /// `nil` if there is no such file.
        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            device = UInt(status.st_dev)
            inode = UInt(status.st_ino)
        }
    }

    private let path: String
    private let files: [(path: String, identity: Identity?)]

    /// To be made after the first access, which opens the log.
    init(_ path: String) {
        self.path = path
        files = path == ":memory:" ? [] : [path, path + "-wal"].map { ($0, Identity($0)) }
    }

    /// Two calls of `stat(2)`, about 2 µs beside a commit's fsync.
    func check(_ operation: String) throws(StoreError) {
        for file in files where Identity(file.path) != file.identity {
            var error = StoreError(.replaced, operation, path: path)
            error.detail = file.path
            throw error
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import SystemPackage

/// Where the record of a run goes: opened before the job starts, so that nobody's hours end without what they asked for.
final class ReportFile {
    private let path: String
    private let target: Descriptor
    /// It is there by us, and goes if there is nothing to write.
    private var isNew: Bool

    struct Unwritable: Error, CustomStringConvertible {
        var path: String
        var error: Errno
        var description: String { "cannot write the record to \(path): \(error); nothing was started" }
    }

    /// - Parameter path: `-` for standard output.
    init(_ path: String) throws(Unwritable) {
        self.path = path
        isNew = path != "-" && !Files.exists(path)
        do throws(Errno) {
            target = path == "-" ? .standardOutput : try Descriptor.open(path, O_WRONLY | O_CREAT, mode: 0o644)
        } catch { throw Unwritable(path: path, error: error) }
    }

    func write(_ text: String) throws(Errno) {
        isNew = false
        // A pipe or a device has nothing to lose.
        if path != "-" { try? target.truncate() }
        try target.write(text)
        if path != "-", !isStillThere { throw .noSuchFileOrDirectory }
    }

    /// The job may have removed the file, or put another one in its place: then the record is nowhere.
    private var isStillThere: Bool {
        var ours = stat()
        guard fstat(target.rawValue, &ours) == 0, let named = try? Files.status(path) else { return false }
        return (ours.st_dev, ours.st_ino) == (named.st_dev, named.st_ino)
    }

    deinit { if isNew { unlink(path) } }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import SystemPackage

extension Plan {
    /// A script that was kept since its submission; see decision 015.
    package struct Script: Hashable, Sendable {
        /// Of the file that the command names.
        package var path = ""
        package var interpreter: [String] = []
        /// What it said when it was submitted.
        package var descriptor: CInt = -1

        package init() {}

        package init(path: String, interpreter: [String]) {
            self.path = path
            self.interpreter = interpreter
        }
    }
}

extension Plan.Script {
    /// The words that run the script as it was submitted: by its path as long as the file there is the same, so that it finds
    /// what lies beside it, else by what was kept.
    ///
    /// Asked by the command's process right before its execve, with the job's rights and from its directory.
    func words(of command: [String]) -> [String] {
        guard let place = command.firstIndex(of: path), !isUnchanged else { return command }
        // For the interpreter, which opens it by its number.
        _ = fcntl(descriptor, F_SETFD, 0)
        return interpreter + ["/proc/self/fd/\(descriptor)"] + command[(place + 1)...]
    }

    private var isUnchanged: Bool {
        // What is no file may hold whoever opens or reads it.
        guard let file = try? Files.open(path, as: S_IFREG) else { return false }
        var (kept, found) = (stat(), stat())
        guard fstat(descriptor, &kept) == 0, fstat(file.rawValue, &found) == 0,
            found.st_size == kept.st_size
        else { return false }
        var offset = 0
        while offset < kept.st_size {
            guard let part = Self.part(of: descriptor, at: offset), !part.isEmpty,
                part == Self.part(of: file.rawValue, at: offset)
            else { return false }
            offset += part.count
        }
        return true
    }

    private static func part(of file: CInt, at offset: Int) -> [UInt8]? {
        var isRead = true
        let bytes = [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
            let read = pread(file, buffer.baseAddress, 65536, offset)
            isRead = read >= 0
            count = max(0, read)
        }
        return isRead ? bytes : nil
    }
}

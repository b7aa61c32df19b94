// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import SystemPackage

/// Reads an output stream back from the files that ``OutputLog`` wrote; what was dropped becomes a line that says so.
package struct OutputReader {
    let directory: String
    /// `stdout` or `stderr`.
    let stream: String
    /// Where the next byte stands in the stream.
    package private(set) var position = 0

    package init(directory: String, stream: String, from position: Int = 0) {
        self.directory = directory
        self.stream = stream
        self.position = position
    }

    private struct Piece {
        var start: Int
        var size: Int
        var path: String
    }

    private func pieces() -> [Piece] {
        ((try? Files.list(directory)) ?? []).compactMap { entry in
            guard let file = OutputFile(entry.name), file.stream == stream,
                let status = try? Files.status("\(directory)/\(entry.name)")
            else { return nil }
            return Piece(start: file.start, size: Int(status.st_size), path: "\(directory)/\(entry.name)")
        }.sorted { $0.start < $1.start }
    }

    /// How long the stream has been so far.
    package var length: Int { pieces().last.map { $0.start + $0.size } ?? 0 }

    /// The next part, at most `limit` bytes; empty when there is no more for now.
    package mutating func next(limit: Int = 256 * 1024) -> [UInt8] {
        for piece in pieces() where piece.start + piece.size > position {
            if piece.start > position {
                let dropped = piece.start - position
                position = piece.start
                return Array("\n[jobs: \(dropped) bytes dropped here]\n".utf8)
            }
            guard let file = try? AttemptDirectory(directory).open(piece.path) else { continue }
            let offset = position - piece.start
            let count = min(limit, piece.size - offset)
            let raw = file.rawValue
            let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                filled = max(0, pread(raw, buffer.baseAddress, count, offset))
            }
            guard !bytes.isEmpty else { continue }
            position += bytes.count
            return bytes
        }
        return []
    }
}

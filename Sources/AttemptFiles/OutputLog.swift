// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import SystemPackage

/// One output stream of an attempt on disk: its head, and a tail of two segments that move on.
///
/// The names (``OutputFile``) alone say what was dropped in between, whenever the writer was killed. The head gets half of the limit, each segment a quarter.
package struct OutputLog {
    private let directory: CInt
    private let name: String
    private let headBytes: Int
    private let segmentBytes: Int
    private var file: Descriptor?
    private var written = 0
    private var room = 0
    private var segments: [Int] = []

    /// - Parameter limit: of all its files together, in bytes.
    package init(directory: CInt, name: String, limit: Int) {
        self.directory = directory
        self.name = name
        headBytes = max(1, limit / 2)
        segmentBytes = max(1, limit / 4)
    }

    /// Appends to the stream. What a full disk does not take is dropped, as a gap that the next file's name shows.
    package mutating func append(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while !rest.isEmpty {
            guard room > 0 || begin() else {
                written += rest.count
                return
            }
            let part = rest.prefix(room)
            guard let count = write(part) else {
                // ENOSPC and the like: this file ends here, the next begins after the gap.
                file = nil
                room = 0
                written += rest.count
                return
            }
            written += count
            room -= count
            rest = rest.dropFirst(count)
        }
    }

    /// Starts the next file; the tail keeps the newest two.
    private mutating func begin() -> Bool {
        let isHead = written == 0
        guard
            let next = try? Descriptor.open(
                OutputFile(stream: name, start: written).name, in: directory, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW,
                mode: 0o600)
        else { return false }
        file = next
        room = isHead ? headBytes : segmentBytes
        if !isHead { segments.append(written) }
        if segments.count > 2 { unlinkat(directory, OutputFile(stream: name, start: segments.removeFirst()).name, 0) }
        return true
    }

    private func write(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard let raw = file?.rawValue else { return nil }
        return try? checked { bytes.withUnsafeBytes { Glibc.write(raw, $0.baseAddress, $0.count) } }
    }
}

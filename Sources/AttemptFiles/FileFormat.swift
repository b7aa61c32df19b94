// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The version of an attempt's files, which stands in front of each: of the report in bytes, of the baseline as JSON.
///
/// A later version adds fields and optional frames, which a reader passes over, and raises ``number``. It raises ``needs`` as
/// well where an older reader would misunderstand the rest. Decision 018 has the rules.
package struct FileFormat: Hashable, Sendable {
    /// The writer's format; 0 for files of builds before there were versions.
    package var number: Int
    /// The lowest format whose readers understand the file.
    package var needs: Int

    package init(number: Int, needs: Int) { (self.number, self.needs) = (number, needs) }

    /// The format that this build writes. It reads every one up to that, and later ones that need no more.
    package static var current: FileFormat {
        FileFormat(number: 1 + testVersion, needs: 1 + (testVersion > 1 ? testVersion : 0))
    }

    /// Whether this build understands files that say this of themselves.
    package var isReadable: Bool { needs <= Self.current.number }

    /// In front of a report. As the length of a frame, with which reports began before there were versions, it is absurd.
    static let magic: [UInt8] = Array("JOBSREPT".utf8)

    /// The header of a report: the magic number, ``number`` and ``needs``, four bytes each, little-endian. This much is the same
    /// in every version.
    package var header: [UInt8] {
        Self.magic + withUnsafeBytes(of: UInt32(number).littleEndian) { Array($0) }
            + withUnsafeBytes(of: UInt32(needs).littleEndian) { Array($0) }
    }

    static let headerBytes = 16

    /// - Parameter header: as many bytes as ``headerBytes``.
    init(header: ArraySlice<UInt8>) {
        let start = header.startIndex
        number = Int(littleEndian(UInt32.self, header, at: start + 8))
        needs = Int(littleEndian(UInt32.self, header, at: start + 12))
    }

    #if DEBUG
    /// By how much a debug build plays a later version, with an unknown field in each message and an unknown kind of frame: 1
    /// for one that older readers understand, 2 for one that they do not. For tests of up- and downgrades.
    package static let testVariable = "JOBS_TEST_VERSION"
    package static let testVersion = getenv(testVariable).flatMap { Int(String(cString: $0)) } ?? 0
    #else
    package static var testVersion: Int { 0 }
    #endif
}

/// The number whose bytes begin at `index`; the caller has seen that they are there.
func littleEndian<T: FixedWidthInteger>(_: T.Type, _ bytes: ArraySlice<UInt8>, at index: Int) -> T {
    T(littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: index - bytes.startIndex, as: T.self) })
}

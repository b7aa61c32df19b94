// SPDX-License-Identifier: Apache-2.0
import CSystemd
import Glibc

/// The system's journal. See `sd_journal_sendv(3)` and `systemd.journal-fields(7)`.
package enum Journal {
    /// Whether standard error goes to the journal, so that entries sent there directly end up in the same place.
    ///
    /// systemd says in `JOURNAL_STREAM` which device and inode that is: whoever redirected it since wants it elsewhere.
    package static var isStandardError: Bool {
        var status = stat()
        guard let stream = getenv("JOURNAL_STREAM"), fstat(2, &status) == 0 else { return false }
        return String(cString: stream) == "\(status.st_dev):\(status.st_ino)"
    }

    /// Sends one entry.
    ///
    /// - Parameter fields: names as ``fieldName(of:)`` makes them, and what they hold.
    /// - Returns: whether the journal has taken it.
    package static func send(_ fields: [(name: String, value: String)]) -> Bool {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        for field in fields {
            bytes += "\(field.name)=\(field.value)".utf8
            ends.append(bytes.count)
        }
        return bytes.withUnsafeMutableBytes { buffer in
            var vectors: [iovec] = []
            var start = 0
            for end in ends {
                vectors.append(iovec(iov_base: buffer.baseAddress.map { $0 + start }, iov_len: end - start))
                start = end
            }
            return csystemd_journal_send(vectors, CInt(vectors.count)) == 0
        }
    }

    /// The journal takes capital letters, digits and underscores, and drops what does not begin with a letter.
    package static func fieldName(of key: String) -> String {
        let name = key.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
        return name.first?.isLetter == true ? String(name) : "JOBSD_" + String(name)
    }
}

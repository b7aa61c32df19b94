// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What Ctrl-C says before it ends us, for a verb that only watches.
enum Farewell {
    /// Written by a signal handler, which may neither allocate nor lock: so it is one pointer, set before the handler.
    nonisolated(unsafe) private static var text: UnsafeMutableBufferPointer<UInt8>?

    static func set(_ message: String) {
        let bytes = Array("\n\(message)\n".utf8)
        let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
        _ = buffer.initialize(from: bytes)
        text = buffer
        signal(SIGINT) { _ in
            if let text = Farewell.text { _ = write(2, text.baseAddress, text.count) }
            _exit(130)
        }
    }
}

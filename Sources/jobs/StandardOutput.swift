// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobModel
import JobsView
import Linux
import SystemPackage

/// Writes a message for people to standard error, after our name; what may be another user's in it is escaped.
func complain(_ message: String) {
    try? Descriptor.standardError.write("jobs: \(message.printableLines)\n")
}

/// Standard output, for whole answers.
enum Output {
    static func write(_ text: String) { write(Array(text.utf8)) }

    /// A reader that has gone, as in `jobs history | head`, is no error: we end as the signal would have ended us.
    static func write(_ bytes: [UInt8], to descriptor: Descriptor = .standardOutput) {
        do throws(Errno) { try descriptor.write(bytes) } catch {
            if error != .brokenPipe { complain("cannot write the output: \(error)") }
            exit(error == .brokenPipe ? 128 + SIGPIPE : 74)
        }
    }

    /// Indented for people, on one line for programs.
    static func write(_ json: JSON) { write(json.text(pretty: Terminal.isTerminal(1)) + "\n") }
}

extension Style {
    /// What may be written to one of our descriptors: colour and cutting are for terminals alone.
    static func of(_ fd: CInt) -> Style {
        guard Terminal.isTerminal(fd) else { return .plain }
        let columns = Terminal.size(of: fd).map { Int($0.columns) }.flatMap { $0 > 0 ? $0 : nil }
        let asked = getenv("COLUMNS").flatMap { Int(String(cString: $0)) }.flatMap { $0 > 0 ? $0 : nil }
        // no-color.org: present and not empty.
        let noColour = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
        let isDumb = getenv("TERM").map { String(cString: $0) == "dumb" } ?? false
        return Style(width: columns ?? asked ?? 80, colour: !noColour && !isDumb)
    }
}

/// The moment, as everything that is shown goes by it.
func now() -> Timestamp { Timestamp(microsecondsSinceEpoch: Clock.realtimeMicroseconds) }

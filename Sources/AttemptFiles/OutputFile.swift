// SPDX-License-Identifier: Apache-2.0

/// The name of a file of an output stream: `stdout.N`, N being the offset in the stream at which the file begins.
///
/// The names are a part of the format: a daemon reads what a jobs-init of another version has written.
struct OutputFile {
    static let streams = ["stdout", "stderr"]

    let stream: String
    let start: Int

    var name: String { "\(stream).\(start)" }

    init(stream: String, start: Int) { (self.stream, self.start) = (stream, start) }

    /// `nil` for a file of another kind: a process that sees the directory may have made files of any name.
    init?(_ name: String) {
        guard let stream = Self.streams.first(where: { name.hasPrefix($0 + ".") }),
            let start = Int(name.dropFirst(stream.utf8.count + 1)), (0...1 << 53).contains(start)
        else { return nil }
        self.init(stream: stream, start: start)
    }
}

// SPDX-License-Identifier: Apache-2.0

extension JobsClient {
    /// Hands over an attempt's output until the attempt has ended, also if the daemon is restarted meanwhile.
    ///
    /// - Parameters:
    ///   - stream: `stdout` or `stderr`.
    ///   - tail: begin with the last bytes only.
    public func followOutput(
        of job: Int, _ stream: String, attempt: Int? = nil, tail: Int? = nil,
        _ take: @escaping @Sendable ([UInt8]) -> Void
    ) async throws(ClientError) {
        let reader = FrameReader(take)
        try await throughRestarts { absence in
            await hear(absence)
        } attempt: { () throws(ClientError) in
            var items = ["follow=1", "framed=1"]
            if let attempt { items.append("attempt=\(attempt)") }
            // Where we were, and the first time what was asked for.
            if let next = await reader.begin() {
                items.append("offset=\(next)")
            } else if let tail {
                items.append("tail=\(tail)")
            }
            try await self.stream("/v1/jobs/\(job)/output/\(stream)?" + items.joined(separator: "&")) { body in
                for try await bytes in body { if try await reader.feed(bytes) { return } }
                throw ClientError.broken("jobsd ended before the job did")
            }
        }
    }
}

/// Takes the frames of `framed=1` apart: a line `NEXT LENGTH` and so many bytes, again and again.
actor FrameReader {
    /// Where the stream goes on after what was taken.
    private var next: Int?
    private var line: [UInt8] = []
    private var left = 0
    private var after = 0
    private let take: @Sendable ([UInt8]) -> Void

    init(_ take: @escaping @Sendable ([UInt8]) -> Void) { self.take = take }

    /// Forgets half a frame of an earlier answer.
    ///
    /// - Returns: where to go on; `nil` if nothing was taken yet.
    func begin() -> Int? {
        line = []
        left = 0
        return next
    }

    /// - Returns: `true` at the end of the stream.
    func feed(_ bytes: [UInt8]) throws(ClientError) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            if left > 0 {
                let piece = rest.prefix(left)
                take(Array(piece))
                rest = rest.dropFirst(piece.count)
                left -= piece.count
                // Within a piece too, so that what was taken is not taken again. The line about dropped bytes is a piece of
                // its own whose end alone is a place in the stream; it is short, and comes whole or not at all.
                next = after - left
                continue
            }
            guard let end = rest.firstIndex(of: 10) else {
                line += rest
                return false
            }
            line += rest[..<end]
            rest = rest[(end + 1)...]
            let numbers = String(decoding: line, as: UTF8.self).split(separator: " ").map { Int($0) }
            line = []
            guard numbers.count == 2, let after = numbers[0], let length = numbers[1], length >= 0 else {
                throw .unintelligible("a frame of output that begins with no two numbers")
            }
            if length == 0 { return true }
            self.after = after
            left = length
        }
        return false
    }
}

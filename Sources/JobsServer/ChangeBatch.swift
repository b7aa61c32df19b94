// SPDX-License-Identifier: Apache-2.0
import JobsAPI
import NIOCore
import Synchronization

/// State changes that came at about the same time, and their text, which is made once for all followers.
final class ChangeBatch: Sendable {
    private static let most = 256

    /// About what it takes, in bytes.
    let size: Int
    private let content: Mutex<Content>

    private enum Content {
        case changes([StateChange])
        /// Once somebody has asked: all events one after the other, and where the one of each job ends.
        case text(ByteBuffer, [(job: Int, end: Int)])
    }

    private init(_ changes: [StateChange]) {
        // An event as text has 90 bytes without its detail; as a value about as many again.
        size = changes.reduce(0) { $0 + 200 + ($1.detail?.utf8.count ?? 0) }
        content = Mutex(.changes(changes))
    }

    static func split(_ changes: [StateChange]) -> [ChangeBatch] {
        stride(from: 0, to: changes.count, by: most).map { start in
            ChangeBatch(Array(changes[start..<min(start + most, changes.count)]))
        }
    }

    /// Server-sent events of the changes of those jobs, or of all; `nil` if there are none.
    func events(of ids: Set<Int>?) -> ByteBuffer? {
        let (text, ends) = rendered()
        guard let ids else { return text }
        var wanted = ByteBuffer()
        var start = 0
        for (job, end) in ends {
            if ids.contains(job), let event = text.getSlice(at: start, length: end - start) {
                wanted.writeImmutableBuffer(event)
            }
            start = end
        }
        return wanted.readableBytes > 0 ? wanted : nil
    }

    private func rendered() -> (ByteBuffer, [(job: Int, end: Int)]) {
        content.withLock { content in
            switch content {
            case .text(let text, let ends): return (text, ends)
            case .changes(let changes):
                var text = ByteBuffer()
                var ends: [(job: Int, end: Int)] = []
                for change in changes {
                    text.writeString("event: state\ndata: \(change.json.text())\n\n")
                    ends.append((change.job, text.writerIndex))
                }
                content = .text(text, ends)
                return (text, ends)
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI
import NIOCore
import Queue

/// A batch of changes as server-sent events.
private struct EventText: Sendable {
    /// All events one after the other.
    var text = ByteBuffer()
    /// Where the event of each job ends.
    var ends: [(job: Int, end: Int)] = []

    init(_ changes: [Announcement]) {
        for change in changes {
            text.writeString("event: state\ndata: \(StateChange(change).json.text())\n\n")
            ends.append((change.job, text.writerIndex))
        }
    }
}

extension ChangeBatch {
    /// The events of those jobs, or of all; `nil` if there are none.
    func events(of ids: Set<Int>?) -> ByteBuffer? {
        let events = form { EventText($0) }
        guard let ids else { return events.text }
        var wanted = ByteBuffer()
        var start = 0
        for (job, end) in events.ends {
            if ids.contains(job), let event = events.text.getSlice(at: start, length: end - start) {
                wanted.writeImmutableBuffer(event)
            }
            start = end
        }
        return wanted.readableBytes > 0 ? wanted : nil
    }
}

extension StateChange {
    init(_ change: Announcement) {
        self.init(
            job: change.job, at: change.at.description, state: change.state, cause: change.cause?.rawValue,
            attempt: change.attempt, detail: change.detail)
    }
}

// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Glibc
import JobsAPI
import JobsClient
import JobsView
import Linux
import Synchronization

/// `jobs status --watch`: draws when something happened, and not more often than eyes can follow.
struct StatusWatch: Sendable {
    let client: JobsClient
    let draw: @Sendable (Style) async throws -> String

    init(client: JobsClient, draw: @escaping @Sendable (Style) async throws -> String) {
        self.client = client
        self.draw = draw
    }

    /// Runs until Ctrl-C, which leaves what was drawn last.
    func perform() async throws {
        let changes = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                // Live figures move the clock and the memory of what runs.
                try await client.watch { changes.continuation.yield() }
            }
            group.addTask { try await redraw(changes.stream) }
            // Either ends only by an error.
            try await group.next()
            group.cancelAll()
        }
    }

    private func redraw(_ changes: AsyncStream<Void>) async throws {
        var screen = Redraw()
        for await _ in changes {
            let style = Style.of(1)
            let text = try await draw(style)
            Output.write(screen.over(text, rows: style.width == nil ? nil : Terminal.size(of: 1).map { Int($0.rows) }))
            // A thousand jobs that end in one second are one picture: what comes meanwhile is kept as one change.
            try await Task.sleep(for: .milliseconds(250))
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Announcements that came at about the same time, and their form for clients, which is made once for all followers.
package final class ChangeBatch: Sendable {
    private static let most = 256

    package let changes: [Announcement]
    /// The memory that it takes, about, in bytes: an announcement takes 50 without its detail, and as text 90 to 150.
    let size: Int
    private let form = Mutex<(any Sendable)?>(nil)

    private init(_ changes: [Announcement]) {
        self.changes = changes
        size = changes.reduce(0) { $0 + 200 + 2 * ($1.detail?.utf8.count ?? 0) }
    }

    static func split(_ changes: [Announcement]) -> [ChangeBatch] {
        stride(from: 0, to: changes.count, by: most).map { start in
            ChangeBatch(Array(changes[start..<min(start + most, changes.count)]))
        }
    }

    /// The form in which a front end shows the changes; made by `make` the first time.
    package func form<Form: Sendable>(_ make: ([Announcement]) -> Form) -> Form {
        form.withLock { form in
            if let form = form as? Form { return form }
            let made = make(changes)
            form = made
            return made
        }
    }
}

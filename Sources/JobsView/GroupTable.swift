// SPDX-License-Identifier: Apache-2.0
import JobsAPI

/// What `jobs group` shows: each group with its limit and what it does.
package struct GroupTable {
    package var groups: [DaemonView.Group]

    package init(_ groups: [DaemonView.Group]) { self.groups = groups }

    package func text(_ style: Style) -> String {
        guard !groups.isEmpty else {
            return "There is no group; `jobs submit --queue-group NAME` and `jobs group NAME --parallel 2` make one.\n"
        }
        var table = TextTable(columns: [
            .init(title: "GROUP"), .init(title: "PARALLEL", alignsRight: true),
            .init(title: "RUNNING", alignsRight: true), .init(title: "WAITING", alignsRight: true),
        ])
        table.rows = groups.map { group in
            [
                .init(group.name), .init(group.parallel.map { "\($0)" } ?? "unlimited"), .init("\(group.running)"),
                .init("\(group.pending)"),
            ]
        }
        return table.lines(style).joined(separator: "\n") + "\n"
    }
}

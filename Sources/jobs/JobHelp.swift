// SPDX-License-Identifier: Apache-2.0
import JobFile
import JobModel
import JobsView

/// The help text of a verb that takes a job, made from the same lists that its arguments are read with.
struct JobHelp {
    var verb: String
    var abstract: String
    var own: [JobArguments.OwnFlag]
    /// What the verb says about its exit codes and the like.
    var ending: [String]

    private static let titles: [(section: String?, title: String)] = [
        (nil, "job:"), ("limits", "limits:"), ("isolation", "isolation:"), ("queue", "queue:"),
    ]

    func text(sections: [String?]) -> String {
        var lines = [
            abstract, "",
            "usage: jobs \(verb) [OPTIONS] NAME|FILE [ARGUMENTS…]",
            "       jobs \(verb) [OPTIONS] -- COMMAND [ARGUMENTS…]", "",
            Self.wrapped(
                "NAME is looked up as ./jobs/NAME.yaml, then in your and the system's job folders. FILE is a YAML file or "
                    + "a script with #JOB lines at its head. A flag beats the file, the file beats the default. Flags stand "
                    + "before NAME; everything behind it goes to the job's command."),
            "", "options:",
        ]
        lines += Self.table(
            own.map { own in
                let value = own.placeholder.map { " " + $0 } ?? ""
                return ((own.short.map { $0 + ", " } ?? "") + own.flag + value, own.documentation)
            })
        for section in sections {
            let settings = Settings.all.filter { $0.section == section }
            guard !settings.isEmpty else { continue }
            lines += ["", Self.titles.first { $0.section == section }?.title ?? "\(section ?? ""):"]
            lines += Self.table(
                settings.compactMap { setting in
                    // A switch that is on is shown by the flag that turns it off.
                    let isOn = setting.isSwitch && setting.standard == "true"
                    return setting.usage.map { ($0, (isOn ? "Do without: " : "") + setting.documentation) }
                })
        }
        return (lines + [""] + ending.map { Self.wrapped($0) }).joined(separator: "\n")
    }

    private static func table(_ rows: [(String, String)]) -> [String] {
        rows.map { left, right in
            let right = wrapped(right, indent: 30)
            return left.count < 28
                ? "  " + left + String(repeating: " ", count: 28 - left.count) + right
                : "  " + left + "\n" + String(repeating: " ", count: 30) + right
        }
    }

    /// In lines that fit the terminal, or the eye, all but the first of them indented.
    private static func wrapped(_ text: String, indent: Int = 0) -> String {
        let room = max(40, min(Style.of(1).width ?? 120, 120) - indent)
        return text.wrapped(to: room).joined(separator: "\n" + String(repeating: " ", count: indent))
    }
}

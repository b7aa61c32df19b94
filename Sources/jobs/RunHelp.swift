// SPDX-License-Identifier: Apache-2.0
import JobFile

/// The help text of `jobs run`, made from the same lists that its arguments are read with.
enum RunHelp {
    static var text: String {
        var lines = [
            "Run a job in the foreground and account for it.", "",
            "usage: jobs run [LIMITS] NAME|FILE [ARGUMENTS…]",
            "       jobs run [LIMITS] -- COMMAND [ARGUMENTS…]", "",
            "NAME is looked up as ./jobs/NAME.yaml, then in your and the system's job folders. FILE is a YAML file or a",
            "script with #JOB lines at its head. A flag beats the file, the file beats the default.", "", "options:",
        ]
        lines += table(
            RunArguments.ownFlags.map { own in (own.flag + (own.placeholder.map { " " + $0 } ?? ""), own.documentation)
            })
        for (title, section) in [("job:", nil), ("limits:", "limits"), ("isolation:", "isolation")]
            as [(String, String?)]
        {
            lines += ["", title]
            lines += table(
                Settings.all.filter { $0.section == section }.compactMap { setting in
                    // A switch that is on is shown by the flag that turns it off.
                    let isOn = setting.isSwitch && setting.standard == "true"
                    return setting.usage.map { ($0, (isOn ? "Do without: " : "") + setting.documentation) }
                })
        }
        lines += [
            "",
            "The exit code is the job's own; 128+n after signal n, 137 out of memory, 124 out of time, 125 if it could not be",
            "run, 126/127 if the command cannot be executed/found, 130/143 interrupted/terminated, 64 bad usage, 65 bad job file.",
        ]
        return lines.joined(separator: "\n")
    }

    private static func table(_ rows: [(String, String)]) -> [String] {
        rows.map { left, right in
            left.count < 28
                ? "  " + left + String(repeating: " ", count: 28 - left.count) + right
                : "  " + left + "\n" + String(repeating: " ", count: 30) + right
        }
    }
}

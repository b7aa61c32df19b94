// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobsAPI

/// Finished jobs in the format of GNU parallel's `--joblog`, which many scripts read.
package enum JobLog {
    static let header = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand"

    /// A line for each job that was started, in the order that they ended in.
    ///
    /// Host is `:`, parallel's word for this machine; Send and Receive count files that it copies, and are 0.
    package static func text(_ jobs: [JobView]) -> String {
        let ended = jobs.filter { !$0.state.isLive && $0.startedAt != nil }.sorted {
            ($0.endedAt ?? "", $0.id) < ($1.endedAt ?? "", $1.id)
        }
        return ([header] + ended.map(line)).joined(separator: "\n") + "\n"
    }

    private static func line(_ job: JobView) -> String {
        let start = moment(job.startedAt)?.microsecondsSinceEpoch ?? 0
        let end = moment(job.endedAt)?.microsecondsSinceEpoch ?? start
        // `--resume-failed` looks for anything that is not 0 in either column: a job without an exit of its own has ours.
        let code = job.exitCode ?? (job.exitSignal == nil ? job.processExitCode ?? 0 : 0)
        // parallel writes the line feeds of a command as NUL, and reads them back. What else a terminal obeys is escaped.
        let lines = (job.command ?? job.name).split(separator: "\n", omittingEmptySubsequences: false)
        let command = lines.map { String($0).printable }.joined(separator: "\0")
        return [
            "\(job.id)", ":", milliseconds(start),
            milliseconds(job.wallTimeUsec ?? max(0, end - start)).padded(to: 10, right: true),
            "0", "0", "\(code)", "\(job.exitSignal ?? 0)", command,
        ].joined(separator: "\t")
    }

    /// `%.3f` of seconds.
    private static func milliseconds(_ microseconds: Int) -> String {
        let value = (microseconds + 500) / 1000
        let fraction = String(value % 1000)
        return "\(value / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
    }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobModel
import JobsAPI
import JobsClient
import JobsView
import Linux

/// Waits for jobs with one live line on a terminal, and tells at the end how they went.
struct JobWait {
    var client: JobsClient
    var ids: [Int]
    var any = false
    var quiet = false

    /// More failures than this are counted, not listed.
    private static let mostListed = 20

    /// - Returns: the exit code of the first job, in the order of the ids, that did not complete.
    func perform() async throws(ClientError) -> Int32 {
        let style = Style.of(2)
        let display = style.width != nil && !quiet ? WaitDisplay(style: style) : nil
        // News twice a second from ten thousand jobs would be a load of its own.
        let ended = try await client.waitForEnd(of: ids, any: any, live: display != nil && ids.count == 1) { news in
            await display?.hear(news)
            if display == nil, case .absence(let absence) = news { DaemonCall.tell(absence) }
        }
        await display?.clear()
        let failed = ended.filter { ($0.processExitCode ?? 0) != 0 }
        if !quiet { try await tell(ended, failed, style) }
        if any {
            guard let first = ended.first else { return 1 }
            Output.write("\(first.id)\n")
            return Int32(first.processExitCode ?? 0)
        }
        return Int32(failed.first?.processExitCode ?? 0)
    }

    private func tell(_ ended: [JobView], _ failed: [JobView], _ style: Style) async throws(ClientError) {
        if ids.count == 1, let job = ended.first {
            // The same paragraph as at the end of `jobs run`; a job that never started has none.
            let account = try await client.account(of: job.id)
            if let record = account["attempts"]?.arrayValue?.last.flatMap({ Record(json: $0) }) {
                try? Descriptor.standardError.write(Summary(record).text(colour: style.colour))
            } else {
                complain(sentence(job, style))
            }
            return
        }
        for job in failed.prefix(Self.mostListed) { complain(sentence(job, style)) }
        if failed.count > Self.mostListed { complain("… and \(grouped(failed.count - Self.mostListed)) more") }
        complain("\(counted(ended.count, "job")) ended, \(grouped(failed.count)) of them not well")
    }

    private func sentence(_ job: JobView, _ style: Style) -> String {
        let name = job.arrayIndex.map { "\(job.name)[\($0)]" } ?? job.name
        let why = job.message ?? job.reason ?? ""
        return "job \(job.id) \(name.printable) \(style.paint(job.state.rawValue, job.state)). \(why.printable)"
    }
}

/// The live line on standard error.
private actor WaitDisplay {
    private let style: Style
    private var line = WaitLine()

    init(style: Style) { self.style = style }

    func hear(_ news: WaitNews) {
        switch news {
        case .job(let job): line.note(job)
        case .live(let usage): line.note(usage)
        // The next news takes its place.
        case .absence(.over): return
        case .absence:
            write("\rjobsd went away; waiting for its return\u{1B}[K")
            return
        }
        // The width anew each time: the terminal may have been resized.
        write("\r" + line.text(now: now(), Style.of(2)) + "\u{1B}[K")
    }

    func clear() { write("\r\u{1B}[K") }

    private func write(_ text: String) { try? Descriptor.standardError.write(text) }
}

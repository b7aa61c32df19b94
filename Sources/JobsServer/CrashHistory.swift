// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import SystemPackage

/// The jobs that earlier daemons had in hand when they died of a fault, from the file of their last lines (``CrashNote``).
struct CrashHistory {
    /// A second death over the same job is no accident.
    static let limit = 2

    private let file: Descriptor?
    /// By job, the signals in their order.
    private var signals: [Int: [CInt]] = [:]

    /// Reads the file, and has this process write into it. Without one, which the disk may refuse, nothing is noted.
    init(_ stateDirectory: String) {
        let path = stateDirectory + "/crashes"
        file = try? Descriptor.open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK, mode: 0o600)
        guard let file else { return }
        // A line has 20 bytes at most; nobody dies as often as to fill this.
        let text = String(decoding: (try? file.readOnce()) ?? [], as: UTF8.self)
        for line in text.split(separator: "\n") {
            let numbers = line.split(separator: " ").map { Int($0) }
            guard numbers.count == 2, let job = numbers[0], let signal = numbers[1].flatMap({ CInt(exactly: $0) })
            else { continue }
            signals[job, default: []].append(signal)
        }
        CrashNote.keep(in: file)
    }

    /// Why a job must not be touched again before a person has looked at it; `nil` for nearly all.
    func reason(against job: Int) -> String? {
        guard let signals = signals[job], signals.count >= Self.limit else { return nil }
        let names = signals.map { Self.names[$0] ?? "signal \($0)" }.joined(separator: ", ")
        return """
            jobsd died \(signals.count) times while it started or ended this job (\(names)); please report that as a bug of \
            jobs. `jobs release` lets it try again, `jobs cancel` gives it up
            """
    }

    private static let names: [CInt: String] = [
        SIGILL: "SIGILL", SIGTRAP: "SIGTRAP", SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE",
        SIGSEGV: "SIGSEGV",
    ]

    /// Those jobs are well, or a person has decided about them.
    mutating func forget(where isOver: (Int) -> Bool) {
        let count = signals.count
        signals = signals.filter { !isOver($0.key) }
        guard signals.count < count, let file else { return }
        try? file.truncate()
        let lines = signals.flatMap { job, signals in signals.map { "\(job) \($0)\n" } }
        try? file.write(lines.joined())
    }

    mutating func forget(_ job: Int) { forget { $0 == job } }
}

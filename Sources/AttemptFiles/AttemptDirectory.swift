// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import SystemPackage

/// Where an attempt of a queued job keeps what must outlive the daemon: reports, orders, output and where its cgroup is.
package struct AttemptDirectory: Hashable, Sendable {
    package let path: String

    package init(_ path: String) { self.path = path }

    /// Frames of ``Report``, appended by jobs-init.
    package var report: String { path + "/report" }
    /// A FIFO of ``Control`` bytes for jobs-init.
    package var control: String { path + "/control" }
    /// The machine and the cgroup before the command started, as JSON; its fields are the supervisor's (`Baseline`).
    package var baseline: String { path + "/baseline" }

    /// Makes the directory afresh; what an attempt of that number left that never ran is of no use.
    package func make() throws(Errno) {
        do throws(Errno) { try Files.makeDirectory(path, mode: 0o700) } catch {
            switch error {
            case .fileExists:
                for (name, _) in try Files.list(path) where name != Self.unstarted { unlink(path + "/" + name) }
            case .noSuchFileOrDirectory: try Files.makeDirectories(path, mode: 0o700)
            default: throw error
            }
        }
        let control = control
        try checked { mkfifo(control, 0o600) }
    }

    /// Opened for both directions: it never ends, whoever dies, and opening it never waits.
    package func openControl() throws(Errno) -> Descriptor { try open(control, O_RDWR, kind: S_IFIFO) }

    /// Opens one of its files as what it was made. A process that sees it may have put a link, or a FIFO that nobody opens, in
    /// its place.
    package func open(_ file: String, _ flags: CInt = O_RDONLY, mode: mode_t = 0, kind: mode_t = S_IFREG) throws(Errno)
        -> Descriptor
    {
        try Files.open(file, as: kind, flags | O_NOFOLLOW, mode: mode)
    }

    /// The control FIFO of a jobs-init that lives, whoever it is: its own end for reading is open as long as it does, and
    /// `EPOLLERR` tells when it is gone. See `pipe(7)`.
    ///
    /// - Returns: `nil` if there is none.
    package func openLivingControl() -> Descriptor? {
        // ENXIO without a reader.
        try? open(control, O_WRONLY, kind: S_IFIFO)
    }

    /// The bytes of one of its files, at most a mebibyte, of which jobs writes no more.
    ///
    /// - Returns: `nil` if the file is gone, or something else is in its place.
    package func contents(of file: String) throws(Unreadable) -> [UInt8]? {
        let bytes: [UInt8]
        do throws(Errno) { bytes = try open(file).read(limit: Self.mostBytes + 1) } catch {
            switch error {
            case .noSuchFileOrDirectory, .notDirectory, .invalidArgument, .tooManySymbolicLinkLevels: return nil
            default: throw Unreadable(file, .system(error))
            }
        }
        guard bytes.count <= Self.mostBytes else {
            throw Unreadable(file, .damage("it has more than \(Self.mostBytes) bytes"))
        }
        return bytes
    }

    package static let mostBytes = 1 << 20

    /// The frames of the report, up to its end or to the first that cannot be read.
    ///
    /// - Returns: `nil` for the reports if there is no file.
    package func reports() -> (reports: [Report]?, problem: Unreadable?) {
        var reports: [Report] = []
        do throws(Unreadable) {
            guard let bytes = try contents(of: report) else { return (nil, nil) }
            var reader = ReportReader(report)
            reader.append(bytes)
            while let next = try reader.next() { reports.append(next) }
            try reader.finish()
            return (reports, nil)
        } catch { return (reports, error) }
    }

    /// Whether somebody asked for its end; a mark that outlives the daemon which was asked.
    package var isCancelled: Bool { Files.exists(path + "/cancelled") }

    package func markCancelled() { _ = try? Descriptor.open(path + "/cancelled", O_WRONLY | O_CREAT, mode: 0o600) }

    private static let unstarted = "unstarted"
    private var unstartedMark: String { path + "/" + Self.unstarted }

    /// Whether it is proven that the command of this attempt has never run, although the books say that it began.
    package var isUnstarted: Bool { Files.exists(unstartedMark) }

    /// Writes that proof down, then removes the files that gave it: a death on the way to the next start of the attempt
    /// leaves either them or the mark. Without any of them the attempt counts as one that ran.
    package func clearForNextStart() {
        _ = try? Descriptor.open(unstartedMark, O_WRONLY | O_CREAT, mode: 0o600)
        for file in [report, control, baseline] { unlink(file) }
    }

    /// To be called before its command is let start.
    package func removeUnstartedMark() { unlink(unstartedMark) }

    /// Whether there is anything but output in it.
    package var isWorking: Bool { Files.exists(control) || Files.exists(baseline) || isUnstarted }

    /// The output's size on disk, in bytes of the files.
    package var outputBytes: Int {
        // Most attempts have none, and then no file.
        ((try? Files.list(path)) ?? []).reduce(0) { sum, entry in
            guard OutputFile(entry.name) != nil else { return sum }
            return sum + ((try? Files.status(path + "/" + entry.name)).map { Int($0.st_size) } ?? 0)
        }
    }

    /// Removes what only a running attempt needs; the output stays until the job itself is forgotten.
    package func removeWorkingFiles() {
        for file in [report, control, baseline, path + "/cancelled", unstartedMark] { unlink(file) }
        // Goes if there was no output.
        rmdir(path)
    }

    /// Removes the directory with everything in it; it holds no directories.
    package func removeAll() throws(Errno) {
        guard Files.exists(path) else { return }
        for (name, _) in try Files.list(path) { unlink(path + "/" + name) }
        try Files.removeDirectory(path)
    }
}

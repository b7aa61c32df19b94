// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Linux
import SystemPackage
import Testing

@testable import AttemptFiles

/// An attempt's directory on a real file system, without an attempt.
@Suite struct AttemptDirectoryTests {
    private func with(_ body: (AttemptDirectory) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "jobs-\(UUID().uuidString)").path
        let directory = AttemptDirectory(path)
        try directory.make()
        defer { try? directory.removeAll() }
        try body(directory)
    }

    @Test func `a jobs-init lives as long as its end of the FIFO is open, and its end is heard`() throws {
        try with { directory in
            #expect(directory.openLivingControl() == nil)
            var heard: Descriptor? = try directory.openControl()
            let control = try #require(directory.openLivingControl())
            try control.write([Control.leave])
            #expect(try heard?.read() == [Control.leave])
            var entry = pollfd(fd: control.rawValue, events: Int16(POLLIN), revents: 0)
            #expect(poll(&entry, 1, 0) == 0)
            heard = nil
            #expect(poll(&entry, 1, -1) == 1 && entry.revents & Int16(POLLERR) != 0)
            #expect(directory.openLivingControl() == nil)
        }
    }

    @Test func `a file that is gone, or something else by now, is none`() throws {
        try with { directory throws in
            #expect(try directory.contents(of: directory.report) == nil)
            #expect(directory.reports().reports == nil && directory.reports().problem == nil)
            symlink("/etc/passwd", directory.report)
            #expect(try directory.contents(of: directory.report) == nil)
            unlink(directory.report)
            mkfifo(directory.report, 0o600)
            #expect(try directory.contents(of: directory.report) == nil)
            unlink(directory.control)
            symlink("/dev/null", directory.control)
            #expect(directory.openLivingControl() == nil)
        }
        #expect(try AttemptDirectory("/etc/passwd/x").contents(of: "/etc/passwd/x/report") == nil)
    }

    @Test func `a report is read up to what cannot be, which is told with its path`() throws {
        try with { directory in
            var writer = ReportWriter()
            let bytes = writer.bytes(of: .stopped) + writer.bytes(of: .killing)
            let file = try directory.open(directory.report, O_WRONLY | O_CREAT, mode: 0o600)
            try file.write(bytes)
            #expect(directory.reports().reports == [.stopped, .killing] && directory.reports().problem == nil)
            try file.write([1])
            #expect(directory.reports().reports == [.stopped, .killing])
            #expect(directory.reports().problem?.path == directory.report)
        }
    }

    @Test func `output files are those of a stream and an offset`() {
        for name in ["stdout.0", "stderr.9007199254740992"] { #expect(OutputFile(name)?.name == name) }
        for name in [
            "stdout", "stdout.", "stdout.x", "stdout.-1", "stdout.9007199254740993", "stdout.9223372036854775808",
            "stdin.0", "xstdout.0", "report",
        ] { #expect(OutputFile(name) == nil, "\(name)") }
    }
}

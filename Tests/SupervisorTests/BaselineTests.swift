// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Cgroups
import Foundation
import Glibc
import Testing

@testable import Supervisor

/// Baselines of one version, read by a daemon of another.
@Suite struct BaselineTests {
    /// The baseline of a real job, by the build of commit 4512585, before there were versions. Never changed.
    private static let unversioned = #"""
        {"name":"job-2.1","unified":"/sys/fs/cgroup/unified/jobsd-a180794b/job-2.1","controllers":{"io":"/sys/fs/cgroup/blkio/jobsd-a180794b/job-2.1","memory":"/sys/fs/cgroup/memory/process_api/a24431e61d2516b715822c2268ab6ae6/jobsd-a180794b/job-2.1","pids":"/sys/fs/cgroup/pids/jobsd-a180794b/job-2.1"},"unenforced":{},"pages_swapped":null,"thermal_throttles":null,"firmware_throttled":null,"ancestors":{"/sys/fs/cgroup/memory/process_api/a24431e61d2516b715822c2268ab6ae6/jobsd-a180794b":0,"/sys/fs/cgroup/memory/process_api/a24431e61d2516b715822c2268ab6ae6":0,"/sys/fs/cgroup/memory/process_api":0,"/sys/fs/cgroup/memory":0},"ancestor_throttling":{},"ancestor_refusals":{},"companions":["job-1.1"]}
        """#

    private static let memory = "/sys/fs/cgroup/memory/process_api/a24431e61d2516b715822c2268ab6ae6"

    private static let format1 = unversioned.replacingOccurrences(
        of: #"{"name""#, with: #"{"format":1,"needs":1,"name""#)

    /// Writes the text as an attempt's baseline and hands it to `body`.
    private func with<R>(_ text: String?, _ body: (AttemptDirectory) throws -> R) throws -> R {
        let path = FileManager.default.temporaryDirectory.appending(path: "jobs-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let directory = AttemptDirectory(path)
        try text?.write(toFile: directory.baseline, atomically: false, encoding: .utf8)
        return try body(directory)
    }

    private func read(_ text: String?) throws -> Baseline? { try with(text) { try Baseline(in: $0) } }

    private func reason(_ text: String) throws -> Unreadable.Reason? {
        try with(text) { directory in
            do throws(Unreadable) {
                _ = try Baseline(in: directory)
                return nil
            } catch { return error.reason }
        }
    }

    @Test(arguments: [unversioned, format1]) func `a baseline of an earlier build is read as it was meant`(
        _ text: String
    ) throws {
        let baseline = try #require(try read(text))
        #expect(baseline.place.name == "job-2.1")
        #expect(baseline.place.unified == "/sys/fs/cgroup/unified/jobsd-a180794b/job-2.1")
        #expect(
            baseline.place.controllers == [
                .io: "/sys/fs/cgroup/blkio/jobsd-a180794b/job-2.1", .pids: "/sys/fs/cgroup/pids/jobsd-a180794b/job-2.1",
                .memory: "\(Self.memory)/jobsd-a180794b/job-2.1",
            ])
        #expect(baseline.machine.pagesSwapped == nil && baseline.unenforced.isEmpty)
        #expect(
            baseline.ancestors.map(\.path) == [
                Self.memory + "/jobsd-a180794b", Self.memory, "/sys/fs/cgroup/memory/process_api",
                "/sys/fs/cgroup/memory",
            ])
        #expect(baseline.ancestors.allSatisfy { $0.count == 0 } && baseline.companions == ["job-1.1"])
    }

    @Test func `what this build writes is format 1 to the byte`() throws {
        let written = try with(Self.unversioned) { directory in
            try Baseline(in: directory)?.write(to: directory)
            return try String(contentsOfFile: directory.baseline, encoding: .utf8)
        }
        #expect(written == Self.format1, "see decision 018 before you change it")
    }

    @Test func `members and controllers that this version does not know are passed over`() throws {
        let later = Self.format1.replacingOccurrences(
            of: #"{"format":1,"#, with: #"{"format":900,"of_a_later_version":{"x":[1]},"#
        ).replacingOccurrences(of: #""controllers":{"#, with: #""controllers":{"misc":"/x","#)
        #expect(try read(later)?.place == read(Self.format1)?.place)
    }

    @Test func `what needs a later reader is not read`() throws {
        let later = Self.format1.replacingOccurrences(of: #""needs":1"#, with: #""needs":900"#)
        #expect(try reason(later) == .needs(format: 900))
        // Also if it has no name any more.
        #expect(try reason(#"{"format":900,"needs":900}"#) == .needs(format: 900))
    }

    @Test(arguments: ["", "{", "[]", "{}", #"{"name":1}"#, "\u{0}", Self.format1 + "x"])
    func `damage is told from a file that is not there`(_ text: String) throws {
        guard case .damage? = try reason(text) else {
            Issue.record("\(text)")
            return
        }
        #expect(try read(nil) == nil)
    }

    @Test func `a file that is too long for a baseline is not read`() throws {
        let long = String(repeating: " ", count: 2 << 20)
        guard case .damage? = try reason(long + Self.format1) else {
            Issue.record("it was read")
            return
        }
    }

    @Test func `numbers that cannot be are none`() throws {
        for number in ["-1", "9007199254740993", "1e300", "\"x\"", "null"] {
            let text = Self.format1.replacingOccurrences(
                of: #""pages_swapped":null"#, with: #""pages_swapped":"# + number)
            #expect(try read(text)?.machine.pagesSwapped == nil, "\(number)")
        }
    }
}

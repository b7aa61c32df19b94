// SPDX-License-Identifier: Apache-2.0
import Foundation
import JobModel
import Testing

@Suite struct RecordReferenceTests {
    private static let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs/record.md")

    /// `JOBS_UPDATE_DOCS=1 swift test --filter RecordReferenceTests` writes the file.
    @Test func `docs/record.md is what the code says`() throws {
        if ProcessInfo.processInfo.environment["JOBS_UPDATE_DOCS"] != nil {
            try Record.reference().write(to: Self.path, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: Self.path, encoding: .utf8) == Record.reference())
    }

    @Test func `every key is documented once and no figure shares its place`() {
        #expect(Set(Usage.figures.map(\.key)).count == Usage.figures.count)
        #expect(Set(Usage.figures.map { $0.path as AnyKeyPath }).count == Usage.figures.count)
        for figure in Usage.figures {
            #expect(!figure.unit.isEmpty && !figure.source.isEmpty && !figure.meaning.isEmpty)
        }
    }

    @Test func `the documented keys are those of the JSON`() throws {
        let record = Record(
            job: JobIdentity(id: nil, name: "x", attempt: 1, owner: "root"),
            verdict: Verdict(state: .completed, cause: .success, exit: ExitStatus(code: 0), message: ""),
            limits: EffectiveLimits(),
            usage: Usage(), host: HostDescription(kernel: "6.12", cgroupMode: "unified"))
        let object = try JSONSerialization.jsonObject(with: Data(record.json.text().utf8)) as? [String: Any] ?? [:]
        for key in object.keys { #expect(Record.reference().contains("| `\(key)` |"), "\(key)") }
        let usage = try #require(object["usage"] as? [String: Any])
        #expect(Set(usage.keys) == Set(Usage.figures.map(\.key)))
        #expect(usage.values.allSatisfy { $0 is NSNull }, "what is not known is null, never 0")
    }
}

// SPDX-License-Identifier: Apache-2.0

import Glibc
import JobFile
import JobModel
import Testing

@Suite struct ShippedFilesTests {
    @Test func everyShippedJobIsValidAndExplainsItself() throws {
        let folder = repository + "/jobs"
        let names = JobFile.names(in: [folder])
        #expect(names == ["cpu-hog", "fork-bomb", "page-cache", "stress-test", "tmpfs-fill"])
        for name in names {
            let path = try JobFile.find(name, in: [folder], of: .everybody)
            let spec = try JobFile.load(path: path)
            #expect(spec.name == name)
            #expect(spec.summary != nil && spec.limits.wallTime != nil, "\(name)")
            let head = try #require(read(path)).split(separator: "\n").prefix { $0.hasPrefix("#") }
            #expect((2...4).contains(head.count), "\(name)")
        }
    }

    @Test func theMainJob() throws {
        let spec = try JobFile.load(path: repository + "/jobs/stress-test.yaml")
        #expect(spec.command?.arguments.starts(with: ["stress", "--vm", "1", "--vm-bytes", "200M"]) == true)
        #expect(spec.limits.memory == ByteCount(100 << 20))
        #expect(spec.limits.swap == .bytes(ByteCount(0)))
        #expect(spec.limits.pids == 16)
        #expect(spec.limits.wallTime == .seconds(60))
        #expect(spec.isolation == Isolation())
    }

    /// `JOBS_UPDATE_DOCS=1 swift test --filter theReferenceIsUpToDate` writes the file.
    @Test func theReferenceIsUpToDate() {
        let path = repository + "/docs/job-file.md"
        if getenv("JOBS_UPDATE_DOCS") != nil { write(JobFile.reference(), to: path) }
        #expect(read(path) == JobFile.reference(), "docs/job-file.md is out of date")
    }

    @Test func theExamplesOfTheReferenceAreValid() throws {
        let blocks = JobFile.reference().split(separator: "```")
        for block in blocks {
            if block.hasPrefix("yaml\n") { #expect(complaints(yaml: String(block.dropFirst(5))) == "") }
            if block.hasPrefix("sh\n") { #expect(complaints(script: String(block.dropFirst(3))) == "") }
        }
    }

    @Test func theSchemaKnowsEveryKey() {
        let text = JobFile.schema.text()
        #expect(text.hasPrefix(#"{"$schema":"https://json-schema.org/draft/2020-12/schema""#))
        for setting in Settings.all { #expect(text.contains("\"\(setting.key)\":{\"description\":"), "\(setting.key)") }
        // Once for the file, its three sections, and the values that are maps with fixed keys: io and time.
        #expect(text.split(separator: #""additionalProperties":false"#).count - 1 == 6)
    }
}

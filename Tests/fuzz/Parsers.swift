// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Cgroups
import JobFile
import JobModel
import Sandbox
import Supervisor

/// Every parser of texts that come from outside, by the name of its corpus.
let parsers: [String: @Sendable ([UInt8]) -> Void] = [
    "quantities": { quantities(text($0)) },
    "yaml": { job(text($0)) },
    "script": { script(text($0)) },
    "flags": { flags(text($0)) },
    "submission": submission,
    "record": record,
    "report": report,
    "cgroup": { cgroupFiles(text($0)) },
    "kmsg": { kernelLog(text($0)) },
]

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

private func quantities(_ text: String) {
    // Their descriptions are rounded for people.
    _ = (try? ByteCount(parsing: text))?.description
    _ = (try? JobDuration(parsing: text))?.description
    if let cpus = try? CPUCount(parsing: text) { same(cpus, try? CPUCount(parsing: cpus.description), text) }
    let now = Timestamp(microsecondsSinceEpoch: 1_800_000_000_000_000)
    if let moment = try? Timestamp(parsing: text, now: now, offset: { _ in 3600 }) {
        same(moment, Timestamp(rfc3339: moment.description), text)
    }
    if let set = try? IDSet(parsing: text) { same(set, try? IDSet(parsing: set.description), text) }
    if let range = try? ArrayRange(parsing: text) { same(range, try? ArrayRange(parsing: range.description), text) }
    if let after = try? Dependency(parsing: text) { same(after, try? Dependency(parsing: after.description), text) }
    _ = try? ExportPolicy(parsing: text)
    _ = NameRule.problem(of: text)
}

/// What was accepted can be written, and is read as the same again.
private func same<T: Equatable>(_ value: T, _ again: T?, _ text: String) {
    expect(again == value, "'\(text)' is \(value), and read again \(String(describing: again))")
}

/// A job that was accepted keeps all it says on its way through the queue.
private func job(_ text: String) {
    guard let spec = try? JobFile.parse(yaml: text, file: "job.yaml") else { return }
    let again = try? JobFile.parse(json: JobFile.json(of: spec), file: "job.json")
    expect(again == spec, "a job is another one after the queue: \(spec) \(String(describing: again))")
}

private func script(_ text: String) {
    guard let spec = try? JobFile.parse(script: text, file: "job.sh") else { return }
    _ = Settings.contradictions(in: spec)
}

/// A line is a word of a command line.
private func flags(_ text: String) {
    var words = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)[...]
    var spec = JobSpec(name: "x", command: .arguments(["true"]))
    while !words.isEmpty {
        let before = words.count
        let given = try? Settings.take(from: &words)
        if let given { try? Settings.apply(flag: given.flag, value: given.value, to: &spec) }
        if words.count == before { words.removeFirst() }
    }
    _ = Settings.contradictions(in: spec)
}

private func submission(_ bytes: [UInt8]) {
    guard let json = try? JSON(parsing: bytes) else { return }
    let again = try? JSON(parsing: json.text())
    expect(again == json, "JSON is another value after it was written: \(json.text())")
    _ = try? JobSource(json)?.spec()
}

private func record(_ bytes: [UInt8]) {
    guard let json = try? JSON(parsing: bytes), let record = Record(json: json) else { return }
    expect(Record(json: record.json) == record, "a record is another one after it was written: \(record.json.text())")
}

/// jobs-init's frames in the first half of the bytes, and the plan that it is sent.
private func report(_ bytes: [UInt8]) {
    var reader = ReportReader("the report")
    var again = ReportReader("the report again")
    var writer = ReportWriter()
    reader.append(bytes)
    while let report = try? reader.next() {
        again.append(writer.bytes(of: report))
        // A long text may have been cut.
        expect((try? again.next()) != nil, "a report that was read cannot be written: \(report)")
    }
    _ = Plan(decoding: bytes)
}

private func cgroupFiles(_ text: String) {
    let keys = FlatKeyed(text)
    _ = (keys["oom_kill"], keys["usage_usec"], keys.isEmpty)
    _ = Pressure(text)
    _ = IOTraffic(v2: text)
    _ = IOTraffic(v1Bytes: text, v1Operations: text)
}

private func kernelLog(_ text: String) {
    _ = KernelLog.parse(text.split(separator: "\n").map(String.init), cgroupNamed: "run-1-2")
}

// SPDX-License-Identifier: Apache-2.0

import JobModel
import Testing

@Suite struct RecordReaderTests {
    @Test func everyRecordReadsBackAsItWas() throws {
        for _ in 0..<1000 {
            let record = randomRecord()
            #expect(Record(json: try JSON(parsing: record.json.text())) == record)
            #expect(Record(json: record.json) == record)
        }
    }

    @Test func whatALaterVersionAddedIsPassedOver() throws {
        let record = randomRecord()
        guard case .object(let members) = record.json else { return }
        let later = members.map { member -> JSON.Member in
            guard case .object(let inner) = member.value else { return member }
            return JSON.Member(key: member.key, value: .object(inner + [JSON.Member(key: "later", value: .null)]))
        }
        #expect(Record(json: .object(later + [JSON.Member(key: "new", value: .array([.int(1)]))])) == record)
    }

    @Test func whatIsLeftOutIsNil() throws {
        let text = """
            {"schema_version":1,"job":{"name":"x","attempt":1,"owner":"pi"},"state":"completed","cause":"success",
             "host":{"kernel":"6.12","cgroup_mode":"unified"}}
            """
        let record = try #require(Record(json: try JSON(parsing: text)))
        #expect(record.job.id == nil && record.startedAt == nil && record.oom == nil && record.sampled.isEmpty)
        #expect(record.usage == Usage() && record.limits == EffectiveLimits() && record.verdict.exit.code == nil)
    }

    @Test(arguments: ["schema_version", "job", "state", "cause", "host"])
    func withoutItThereIsNoRecord(_ key: String) {
        guard case .object(let members) = randomRecord().json else { return }
        #expect(Record(json: .object(members.filter { $0.key != key })) == nil)
        let wrong = members.map { $0.key == key ? JSON.Member(key: key, value: .int(7)) : $0 }
        #expect(Record(json: .object(wrong)) == nil)
    }
}

private func maybe<T>(_ value: T) -> T? { Bool.random() ? value : nil }
private func count() -> Int { Int.random(in: 0..<(1 << Int.random(in: 1...60))) }
private func some<T>(_ make: () -> T) -> [T] { (0..<Int.random(in: 0...3)).map { _ in make() } }
private func texts() -> [String: String] { Dictionary(some { (randomText(), randomText()) }) { $1 } }

private func randomRecord() -> Record {
    var limits = EffectiveLimits()
    limits.memoryBytes = maybe(count())
    limits.swapBytes = maybe(count())
    limits.memorySoftBytes = maybe(count())
    limits.cpus = maybe(CPUCount(milli: Int.random(in: 10...1_000_000)))
    limits.cpuWeight = maybe(count())
    limits.cpuset = maybe("0-3,8")
    limits.pids = maybe(count())
    limits.io = some(randomText)
    limits.hugepages = Dictionary(some { (count(), count()) }) { $1 }
    limits.wallTimeUsec = maybe(count())
    limits.cpuTimeUsec = maybe(count())
    limits.ancestorMemoryBytes = maybe(count())
    limits.ancestorMemoryPath = maybe(randomText())
    limits.ancestorCPUs = maybe(CPUCount(milli: Int.random(in: 10...1_000_000)))
    limits.ancestorCPUsPath = maybe(randomText())
    limits.ancestorPids = maybe(count())
    limits.ancestorPidsPath = maybe(randomText())
    limits.unenforced = texts()
    var usage = Usage()
    for figure in Usage.figures { usage[keyPath: figure.path] = maybe(count()) }
    var record = Record(
        job: JobIdentity(id: maybe(count()), name: randomText(), attempt: count(), owner: randomText()),
        verdict: Verdict(
            state: JobState.allCases.randomElement() ?? .failed, cause: Cause.allCases.randomElement() ?? .signal,
            exit: [JobModel.ExitStatus(code: 3), JobModel.ExitStatus(signal: 9), JobModel.ExitStatus()].randomElement()
                ?? JobModel.ExitStatus(), message: randomText()),
        startedAt: maybe(Timestamp(microsecondsSinceEpoch: Int.random(in: 0..<(1 << 57)))),
        endedAt: maybe(Timestamp(microsecondsSinceEpoch: Int.random(in: 0..<(1 << 57)))), limits: limits, usage: usage,
        host: HostDescription(kernel: randomText(), cgroupMode: randomText(), board: maybe(randomText())))
    record.unavailable = texts()
    record.partial = texts()
    record.sampled = some(randomText)
    record.trust = some { TrustFlag(TrustFlag.Kind.allCases.randomElement() ?? .swapped, randomText()) }
    record.oom = maybe(
        OOMEvidence(
            source: Bool.random() ? .counters : .kernelLog, cause: maybe(.ancestorLimit),
            victims: some { OOMVictim(process: randomText(), pid: count(), anonRSSBytes: maybe(count())) },
            limitPath: maybe(randomText())))
    return record
}

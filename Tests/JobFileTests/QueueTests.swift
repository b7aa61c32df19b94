// SPDX-License-Identifier: Apache-2.0

@testable import JobFile
import JobModel
import Testing

@Suite struct QueueTests {
    private static let noon = Timestamp(microsecondsSinceEpoch: 1_795_521_600_000_000)

    @Test func everything() throws {
        let spec = try Settings.$clock.withValue({ Self.noon }) {
            try yaml(
                """
                command: a
                export: [LANG, "A=x,y"]
                limits: {memory: 1G, output: 1M}
                queue:
                  priority: -5
                  group: gpu
                  memory: 512M
                  cpus: 0.5
                  after: ok:41,any:prepare?failed:7
                  begin: now+1h
                  hold: yes
                  array: 0-6:2%2
                  retries: 3
                  retry-on: [failed, lost]
                  backoff: 1s
                  backoff-max: 1m
                  oom-factor: 1.5
                  oom-max: 4G
                """)
        }
        var expected = JobSpec(name: "x", command: .shell("a"))
        expected.export = .some([.init(name: "LANG", value: nil), .init(name: "A", value: "x,y")])
        expected.limits.memory = ByteCount(1 << 30)
        expected.limits.output = ByteCount(1 << 20)
        expected.scheduling.priority = -5
        expected.scheduling.group = "gpu"
        expected.scheduling.memoryRequest = ByteCount(512 << 20)
        expected.scheduling.cpusRequest = CPUCount(milli: 500)
        expected.scheduling.after = try Dependency(parsing: "ok:41,any:prepare?failed:7")
        expected.scheduling.begin = Timestamp(microsecondsSinceEpoch: 1_795_525_200_000_000)
        expected.scheduling.held = true
        expected.scheduling.array = ArrayRange(indices: IDSet([0, 2, 4, 6]), parallel: 2)
        expected.scheduling.retry.retries = 3
        expected.scheduling.retry.states = [.failed, .lost]
        expected.scheduling.retry.backoff = .seconds(1)
        expected.scheduling.retry.backoffCeiling = .seconds(60)
        expected.scheduling.retry.memoryFactor = 1.5
        expected.scheduling.retry.memoryCeiling = ByteCount(4 << 30)
        #expect(spec == expected)
    }

    @Test func flags() throws {
        let wanted = try applying(
            ("--priority", "-5"), ("--queue-group", "gpu"), ("--request-memory", "1G"), ("--request-cpus", "2"),
            ("--after", "41"), ("--begin", "2026-11-24T22:00:00+01:00"), ("--hold", nil), ("--array", "0-9%2"),
            ("--retries", "2"), ("--retry-on", "timeout, lost"), ("--backoff", "0"), ("--backoff-max", "1h"),
            ("--oom-factor", "2"), ("--oom-max", "4G")
        ).scheduling
        #expect(wanted.priority == -5 && wanted.group == "gpu" && wanted.held)
        #expect(wanted.memoryRequest == ByteCount(1 << 30) && wanted.cpusRequest == CPUCount(milli: 2000))
        #expect(wanted.begin?.description == "2026-11-24T21:00:00.000000Z")
        #expect(wanted.array == ArrayRange(indices: IDSet(0...9), parallel: 2))
        #expect(wanted.retry.states == [.timeout, .lost] && wanted.retry.backoff == .seconds(0))
        #expect(try applying(("--hold", nil), ("--no-hold", nil)) == JobSpec(name: "x"))
        #expect(try applying(("--export", "A,B=1")).export == ExportPolicy(parsing: "A,B=1"))
        #expect(try applying(("--export", "ALL")).export == .all)
        #expect(try applying(("--retry-on", "none")).scheduling.retry.states == [])
        #expect(try applying(("--output-limit", "1K")).limits.output == ByteCount(1024))
        // The Unix group is another thing.
        #expect(try applying(("--group", "nogroup")).scheduling.group == "default")
    }

    @Test func scripts() throws {
        let spec = try JobFile.parse(
            script: "#!/bin/sh\n#JOB --array 0-3 --retries 2 --after 'ok:a b'\ntrue\n", file: "a.sh")
        #expect(spec.scheduling.array?.indices.ids.count == 4 && spec.scheduling.retry.retries == 2)
        #expect(spec.scheduling.after == Dependency([[.init(.ok, .name("a b"))]]))
    }

    @Test(arguments: [
        ("queue: {priority: 1001}", "x.yaml:2:19: error: priority: '1001': expected a whole number from -1000 to 1000"),
        ("queue: {group: a/b}", "x.yaml:2:16: error: group: 'a/b': must not contain '/'"),
        (
            "queue: {memory: 0}",
            "x.yaml:2:17: error: memory: '0': must be more than 0; leave the key out for limits.memory"
        ),
        (
            "queue: {after: 'afterok:1'}",
            "x.yaml:2:16: error: after: 'afterok:1': unknown condition 'afterok'; use ok, any or failed"
        ),
        (
            "queue: {begin: '25:00'}",
            "x.yaml:2:16: error: begin: '25:00': expected a time such as now+1h, 22:00, tomorrow 6:00, 2026-11-24 22:00 or "
                + "2026-11-24T22:00:00Z"
        ),
        (
            "queue: {array: 0-9%0}",
            "x.yaml:2:16: error: array: '0-9%0': after % stands how many may run at once, at least 1"
        ),
        ("queue: {retries: 1001}", "x.yaml:2:18: error: retries: '1001': must be from 0 to 1000"),
        (
            "queue: {retry-on: [faild]}",
            "x.yaml:2:20: error: retry-on: unknown state 'faild'; did you mean 'failed'? Allowed: failed, timeout, lost"
        ),
        (
            "queue: {retry-on: out-of-memory}",
            "x.yaml:2:19: error: retry-on: out-of-memory is not tried again as it is; oom-factor tries it with more memory"
        ),
        (
            "queue: {oom-factor: 1}",
            "x.yaml:2:21: error: oom-factor: '1': expected a factor above 1 and up to 100, such as 1.5"
        ),
        (
            "queue: {oom-factor: 1e1}",
            "x.yaml:2:21: error: oom-factor: '1e1': expected a factor above 1 and up to 100, such as 1.5"
        ),
        ("queue: {partition: a}", "x.yaml:2:9: error: unknown key 'partition' in queue; did you mean 'group'?"),
        ("limits: {output: 0}", "x.yaml:2:18: error: output: '0': must be more than 0; leave the key out for 64M"),
        (
            "export: 'ALL,A=1'",
            "x.yaml:2:9: error: export: 'ALL,A=1': ALL stands alone; set single variables with --env NAME=VALUE"
        ),
        ("export: [[A]]", "x.yaml:2:10: error: export: found a list, expected a variable's name"),
        ("retries: 3", "x.yaml:2:1: error: 'retries' belongs under 'queue'"),
    ])
    func values(_ line: String, _ message: String) {
        let found = complaints(yaml: "command: a\n\(line)\n")
        #expect(found.hasPrefix(message), "\(found)")
    }

    @Test(arguments: [
        ("queue: {oom-factor: 2}", "x.yaml:2:9: error: oom-factor needs memory: there is no limit that could grow"),
        (
            "limits: {memory: 1G}\nqueue: {oom-max: 2G}",
            "x.yaml:3:9: error: oom-max needs oom-factor: without it the limit never grows"
        ),
        (
            "limits: {memory: 1G}\nqueue: {oom-factor: 2, oom-max: 512M}",
            "x.yaml:3:24: error: oom-max (512M) is below memory (1G)"
        ),
        (
            "queue:\n  backoff: 10m",
            "x.yaml:3:3: error: backoff (10m) is above backoff-max (6m), which would cut it down"
        ),
    ])
    func contradictions(_ lines: String, _ message: String) {
        #expect(complaints(yaml: "command: a\n\(lines)\n") == message)
    }
}

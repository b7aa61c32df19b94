// SPDX-License-Identifier: Apache-2.0

import JobModel
import Testing

@Suite struct JSONTests {
    @Test func keepsTheOrderOfKeysAndSaysNull() {
        let value = JSON.object(["b": .int(1), "a": .int(nil), "s": .string(nil), "t": .bool(true)])
        #expect(value.text() == #"{"b":1,"a":null,"s":null,"t":true}"#)
    }

    @Test func escapes() {
        let text = JSON.string("a\"b\\c\n\t\r\u{1}é😀/").text()
        #expect(text == #""a\"b\\c\n\t\r\u0001é😀/""#)
        // A carriage return and a newline are one Character and two scalars.
        #expect(JSON.string("\r\n").text() == #""\r\n""#)
    }

    @Test(arguments: [
        (1.0, "1.0"), (0.5, "0.5"), (-2.25, "-2.25"), (.infinity, "null"), (.nan, "null"), (1e300, "1e+300"),
    ])
    func numbers(_ value: Double, _ text: String) {
        #expect(JSON.number(value).text() == text)
    }

    @Test func pretty() {
        let value = JSON.object([
            "list": .array([.int(1), .object(["k": .string("v")])]), "empty": .array([]), "none": .object([]),
        ])
        #expect(
            value.text(pretty: true) == """
                {
                  "list": [
                    1,
                    {
                      "k": "v"
                    }
                  ],
                  "empty": [],
                  "none": {}
                }
                """)
    }

    @Test func recordHasTheKeysOfTheContract() {
        var usage = Usage()
        usage.memoryOOMKills = 1
        var record = Record(
            job: JobIdentity(id: nil, name: "x", attempt: 1, owner: "pi"),
            verdict: Verdict(
                state: .outOfMemory, cause: .ownLimit, exit: JobModel.ExitStatus(signal: 9), message: "killed"),
            startedAt: Timestamp(microsecondsSinceEpoch: 0), limits: EffectiveLimits(), usage: usage,
            host: HostDescription(kernel: "6.12", cgroupMode: "unified"))
        record.unavailable = ["swap_peak_bytes": "kernel 6.1 has no memory.swap.peak (6.5)"]
        guard case .object(let members) = record.json else {
            Issue.record("not an object")
            return
        }
        #expect(
            members.map(\.key) == [
                "schema_version", "job", "state", "cause", "exit", "message", "started_at", "ended_at", "limits",
                "usage",
                "unavailable", "partial", "sampled", "trust", "oom", "rest", "host",
            ])
        let text = record.json.text()
        #expect(text.contains(#""job":{"id":null,"name":"x","attempt":1,"owner":"pi"}"#))
        #expect(text.contains(#""state":"out-of-memory","cause":"own-limit","exit":{"code":null,"signal":9}"#))
        #expect(text.contains(#""memory_oom_kills":1"#))
        #expect(text.contains(#""swap_peak_bytes":null"#))
        #expect(text.contains(#""ended_at":null"#))
    }

    @Test func everyFigureHasItsOwnKeyAndPlace() {
        #expect(Set(Usage.figures.map(\.key)).count == Usage.figures.count)
        for figure in Usage.figures {
            var usage = Usage()
            usage[keyPath: figure.path] = 7
            let set = Usage.figures.filter { usage[keyPath: $0.path] == 7 }
            #expect(set.map(\.key) == [figure.key])
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import JobModel
import Testing

private func complaint(_ body: () throws(QuantityError) -> Void) -> String? {
    do throws(QuantityError) { try body() } catch { return error.reason }
    return nil
}

@Suite struct DependencyTests {
    @Test(arguments: [
        ("41", [[Dependency.Term(.ok, .id(41))]]), ("prepare", [[.init(.ok, .name("prepare"))]]),
        ("any:name", [[.init(.any, .name("name"))]]), (" failed : 7 ", [[.init(.failed, .id(7))]]),
        ("ok:a:b", [[.init(.ok, .name("a:b"))]]), ("1,2", [[.init(.ok, .id(1)), .init(.ok, .id(2))]]),
        ("1?2", [[.init(.ok, .id(1))], [.init(.ok, .id(2))]]),
        // And binds closer than or.
        (
            "ok:41, any:prepare ? failed:7",
            [[.init(.ok, .id(41)), .init(.any, .name("prepare"))], [.init(.failed, .id(7))]]
        ),
        (#"a\,b"#, [[.init(.ok, .name("a,b"))]]), (#"ok:\41"#, [[.init(.ok, .name("41"))]]),
        (#"any\:x"#, [[.init(.ok, .name("any:x"))]]), ("two words", [[.init(.ok, .name("two words"))]]),
        ("412-415", [[.init(.ok, .range(412, 415))]]), ("any:412[3]", [[.init(.any, .element(array: 412, index: 3))]]),
        ("412_3", [[.init(.ok, .element(array: 412, index: 3))]]), (#"\412-415"#, [[.init(.ok, .name("412-415"))]]),
    ])
    func reads(_ text: String, _ alternatives: [[Dependency.Term]]) throws {
        #expect(try Dependency(parsing: text).alternatives == alternatives)
    }

    @Test(arguments: [
        ("", "expected jobs such as ok:41,any:prepare, where ',' is and, and '?' is or"),
        ("1,,2", "expected jobs such as ok:41,any:prepare, where ',' is and, and '?' is or"),
        ("1?", "expected jobs such as ok:41,any:prepare, where ',' is and, and '?' is or"),
        ("ok:", "expected jobs such as ok:41,any:prepare, where ',' is and, and '?' is or"),
        (#"a\"#, "expected jobs such as ok:41,any:prepare, where ',' is and, and '?' is or"),
        ("afterok:41", "unknown condition 'afterok'; use ok, any or failed"), ("ok:0", "there is no job 0"),
        ("99999999999999999999", "there is no job 99999999999999999999"),
    ])
    func refuses(_ text: String, _ reason: String) {
        #expect(complaint { () throws(QuantityError) in _ = try Dependency(parsing: text) } == reason)
    }

    @Test func canonicalText() throws {
        #expect(try Dependency(parsing: "41,any:prepare?failed:7").description == "ok:41,any:prepare?failed:7")
    }

    @Test func roundTrip() throws {
        for _ in 0..<3000 {
            let alternatives = (0..<Int.random(in: 1...3)).map { _ in
                (0..<Int.random(in: 1...3)).map { _ in
                    let name = [
                        randomText() + (Bool.random() ? "\(Int.random(in: 0...99))" : "x"), "7", "7-9", "7[1]", "7_1",
                    ]
                    .randomElement()!
                    let number = Int.random(in: 1 ... .max)
                    let targets: [JobReference] = [
                        .id(number), .range(1, number), .element(array: number, index: 3), .name(name), .name(name),
                    ]
                    return Dependency.Term(
                        Dependency.Condition.allCases.randomElement() ?? .ok, targets.randomElement()!)
                }
            }
            let dependency = Dependency(alternatives)
            #expect(try Dependency(parsing: dependency.description) == dependency)
        }
    }
}

@Suite struct ArrayRangeTests {
    @Test(
        arguments: [
            ("0-3", [0, 1, 2, 3], nil), ("0-99%8", Array(0...99), 8),
            ("0-100:10", Array(stride(from: 0, through: 100, by: 10)), nil),
            ("1,3,5", [1, 3, 5], nil), ("0-4:2,7,0", [0, 2, 4, 7], nil), ("5", [5], nil), ("0-9:100%1", [0], 1),
            ("999999999", [999_999_999], nil),
        ] as [(String, [Int], Int?)])
    func reads(_ text: String, _ ids: [Int], _ parallel: Int?) throws {
        let array = try ArrayRange(parsing: text)
        #expect(array.indices.ids == ids && array.parallel == parallel)
    }

    @Test(arguments: [
        ("", "expected indices"), ("a", "expected indices"), ("3-1", "expected indices"), ("-1", "expected indices"),
        ("+1", "expected indices"), ("1-", "expected indices"), ("1-2-3", "expected indices"),
        ("1,,2", "expected indices"),
        ("0-9:0", "expected indices"), ("5:2", "expected indices"), ("1000000000", "expected indices"),
        ("0-9%0", "after % stands"), ("0-9%", "after % stands"), ("0-9%x", "after % stands"),
        ("0-9%8%8", "after % stands"),
        ("0-100000", "an array has 100000 jobs at most"), ("0-60000,100000-160000", "an array has 100000 jobs at most"),
        ("0-999999999", "an array has 100000 jobs at most"),
    ])
    func refuses(_ text: String, _ reason: String) {
        let found = complaint { () throws(QuantityError) in _ = try ArrayRange(parsing: text) }
        #expect(found?.hasPrefix(reason) == true, "\(found ?? "accepted")")
    }

    @Test func canonicalText() throws {
        for text in ["0-99999", "0-99%8", "0-999990:10", "1,3", "1-5:2%1", "7"] where text != "1,3" {
            #expect(try ArrayRange(parsing: text).description == text)
        }
        #expect(try ArrayRange(parsing: "1,3").description == "1,3")
    }

    @Test func roundTrip() throws {
        for _ in 0..<500 {
            let ids = (0..<Int.random(in: 1...6)).map { _ in Int.random(in: 0...9) }
            let array = ArrayRange(indices: IDSet(ids), parallel: Bool.random() ? nil : Int.random(in: 1...9))
            #expect(try ArrayRange(parsing: array.description) == array)
        }
    }
}

private let expected =
    "expected a time such as now+1h, 22:00, tomorrow 6:00, 2026-11-24 22:00 or 2026-11-24T22:00:00Z"

@Suite struct TimestampReaderTests {
    private static let now = Timestamp(microsecondsSinceEpoch: 1_795_471_860_123_456)

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-11-23T22:11:00.123456Z", 1_795_471_860_123_456),
        ("2026-11-23T23:11:00.123456789+01:00", 1_795_471_860_123_456),
        ("2026-11-23t16:41:00.1-05:30", 1_795_471_860_100_000),
        ("2000-02-29T00:00:00z", 951_782_400_000_000), ("1969-12-31T23:59:59.999999Z", -1),
        ("0000-01-01T00:00:00Z", -62_167_219_200_000_000), ("9999-12-31T23:59:59Z", 253_402_300_799_000_000),
    ])
    func readsRFC3339(_ text: String, _ usec: Int) throws {
        #expect(try Timestamp(parsing: text).microsecondsSinceEpoch == usec)
        #expect(try Timestamp(parsing: text, now: Self.now, offset: { _ in 0 }).microsecondsSinceEpoch == usec)
    }

    @Test(arguments: [
        "", "2026-11-23", "2026-11-23T22:11:00", "2026-11-23 22:11:00Z", "2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
        "1900-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+01:60", "2026-01-01T00:00:00ZZ", "2026-01-01T00:00:00.5",
        "+026-01-01T00:00:00Z", "2026-01-01T00:00:00Zé",
    ])
    func refusesWhatIsNoRFC3339(_ text: String) {
        #expect(throws: QuantityError.self) { try Timestamp(parsing: text) }
    }

    @Test(arguments: [
        ("now", 0), ("now+1h", 3_600_000_000), ("+90m", 5_400_000_000), (" now+0 ", 0), ("+1h30m", 5_400_000_000),
        ("now+ 1d", 86_400_000_000), ("now+1hour", 3_600_000_000), ("now + 2 hours", 7_200_000_000),
        ("now+30minutes", 1_800_000_000), ("+1 day", 86_400_000_000), ("now+5 seconds", 5_000_000),
    ])
    func readsFromNowOn(_ text: String, _ later: Int) throws {
        let moment = try Timestamp(parsing: text, now: Self.now, offset: { _ in 0 })
        #expect(moment.microsecondsSinceEpoch - Self.now.microsecondsSinceEpoch == later)
    }

    /// 2026-11-23T22:11:00Z is 23:11 in Berlin.
    @Test(arguments: [
        ("23:12", "2026-11-23T22:12:00"), ("22:00", "2026-11-24T21:00:00"), ("6:00:30", "2026-11-24T05:00:30"),
        ("today 6:00", "2026-11-23T05:00:00"), ("tomorrow 6:00", "2026-11-24T05:00:00"),
        ("tomorrow", "2026-11-23T23:00:00"), ("2026-12-24", "2026-12-23T23:00:00"),
        ("2026-12-24 18:30", "2026-12-24T17:30:00"), ("2026-12-24T18:30:15", "2026-12-24T17:30:15"),
        ("2027-07-01 0:00", "2027-06-30T22:00:00"),
        // Where clocks are put forward, 2:30 is left out; where they are put back, it comes twice.
        ("2027-03-28 2:30", "2027-03-28T01:30:00"), ("2027-03-28 3:30", "2027-03-28T01:30:00"),
        ("2027-10-31 2:30", "2027-10-31T00:30:00"), ("2027-10-31 3:30", "2027-10-31T02:30:00"),
    ])
    func readsLocalTimes(_ text: String, _ utc: String) throws {
        let changes = [(1_806_195_600, 7200), (1_824_944_400, 3600)]
        #expect(try Timestamp(parsing: "2027-03-28T01:00:00Z").microsecondsSinceEpoch == changes[0].0 * 1_000_000)
        #expect(try Timestamp(parsing: "2027-10-31T01:00:00Z").microsecondsSinceEpoch == changes[1].0 * 1_000_000)
        let moment = try Timestamp(parsing: text, now: Self.now) { second in
            changes.last { $0.0 <= second }?.1 ?? 3600
        }
        #expect(moment.description == utc + ".000000Z")
    }

    @Test(arguments: [
        ("90", expected), ("", expected), ("24:00", expected), ("6:0", expected), ("6", expected), ("now-1h", expected),
        ("yesterday", expected), ("2026-02-29 6:00", expected), ("26-11-24 6:00", expected),
        ("6:00 tomorrow x", expected),
        ("2026-11-24T22:00:00+0100", expected), ("-1:00", expected), ("22:60", expected), ("2026-11-24T", expected),
        ("T", expected), ("T6:00", expected), ("2026-11-24T6:00T", expected),
        ("+", "expected a duration such as 90s, 5m, 1h30m or 2d"),
        ("now+1y", "unknown unit 'y'; use d, h, m, s, ms or us"),
        ("+9000000000s", "the duration is out of range: a hundred years (36525d) at most"),
        ("+-5m", "must not be negative; expected a duration such as 90s, 5m, 1h30m or 2d"),
    ])
    func saysWhatToWriteInstead(_ text: String, _ reason: String) {
        let now = Timestamp(microsecondsSinceEpoch: 253_402_300_799_000_000 - 8_000_000_000_000_000)
        #expect(
            complaint { () throws(QuantityError) in _ = try Timestamp(parsing: text, now: now, offset: { _ in 0 }) }
                == reason)
    }

    @Test func roundTrip() throws {
        for _ in 0..<5000 {
            let moment = Timestamp(
                microsecondsSinceEpoch: Int.random(in: -62_167_219_200_000_000...253_402_300_799_999_999))
            #expect(try Timestamp(parsing: moment.description) == moment)
        }
    }
}

@Suite struct ExportPolicyTests {
    @Test func reads() throws {
        #expect(try ExportPolicy(parsing: "NONE") == .none)
        #expect(try ExportPolicy(parsing: "ALL") == .all)
        #expect(
            try ExportPolicy(parsing: "LANG, A=x=y,B=")
                == .some([
                    .init(name: "LANG", value: nil), .init(name: "A", value: "x=y"), .init(name: "B", value: ""),
                ]))
        #expect(try ExportPolicy(items: ["A=x,y"]) == .some([.init(name: "A", value: "x,y")]))
        #expect(try ExportPolicy(items: []) == .none)
    }

    @Test func refuses() {
        for text in ["", ",", "A,", "=1"] { #expect(throws: QuantityError.self) { try ExportPolicy(parsing: text) } }
        let slurm = complaint { () throws(QuantityError) in _ = try ExportPolicy(parsing: "ALL,A=1") }
        #expect(slurm == "ALL stands alone; set single variables with --env NAME=VALUE")
        let list = complaint { () throws(QuantityError) in _ = try ExportPolicy(parsing: "A=1,2,3") }
        #expect(list?.contains("'2' is no variable's name; a value ends at the comma") == true)
    }

    @Test func whatIsSentAlong() throws {
        let own = ["A": "1", "B": "2"]
        #expect(ExportPolicy.none.exported(from: own) == [:])
        #expect(ExportPolicy.all.exported(from: own) == own)
        #expect(try ExportPolicy(parsing: "A,B=3,C,D=4").exported(from: own) == ["A": "1", "B": "3", "D": "4"])
    }
}

// SPDX-License-Identifier: Apache-2.0

import JobModel
import Testing

private func message(_ body: () throws(QuantityError) -> Void) -> String? {
    do throws(QuantityError) { try body() } catch { return error.description }
    return nil
}

@Suite struct DurationTests {
    @Test(arguments: [
        ("0", 0), ("90", 90_000_000), ("90s", 90_000_000), ("5m", 300_000_000), ("1h30m", 5_400_000_000),
        ("2d", 172_800_000_000), ("1.5h", 5_400_000_000), ("250ms", 250_000), ("10us", 10), ("1h 30m", 5_400_000_000),
        ("0.5s", 500_000),
    ])
    func reads(_ text: String, _ usec: Int) throws {
        #expect(try JobDuration(parsing: text).microseconds == usec)
    }

    @Test(arguments: [
        ("", "'': expected a duration such as 90s, 5m, 1h30m or 2d"),
        ("1h30", "'1h30': expected a duration such as 90s, 5m, 1h30m or 2d"),
        ("+5", "'+5': expected a duration such as 90s, 5m, 1h30m or 2d"),
        ("-5", "'-5': must not be negative; expected a duration such as 90s, 5m, 1h30m or 2d"),
        ("1h-5m", "'1h-5m': must not be negative; expected a duration such as 90s, 5m, 1h30m or 2d"),
        ("5min", "'5min': unknown unit 'min'; use d, h, m, s, ms or us"),
        ("36525d1us", "'36525d1us': the duration is out of range: a hundred years (36525d) at most"),
        ("999999999999d", "'999999999999d': the duration is out of range: a hundred years (36525d) at most"),
        (
            "9223372036854775807",
            "'9223372036854775807': the duration is out of range: a hundred years (36525d) at most"
        ),
    ])
    func refuses(_ text: String, _ expected: String) {
        let found = message { () throws(QuantityError) in _ = try JobDuration(parsing: text) }
        #expect(found == expected)
    }

    @Test(arguments: [
        (0, "0us"), (999, "999us"), (38_000, "38ms"), (1_250_000, "1.25s"), (60_000_000, "1m"), (90_000_000, "1m30s"),
        (5_400_000_000, "1h30m"), (172_800_000_000, "2d"), (90_061_000_000, "1d1h1m1s"),
    ])
    func describes(_ usec: Int, _ text: String) {
        #expect(JobDuration(microseconds: usec).description == text)
    }

    @Test func descriptionsReadBackWithinOnePerCent() throws {
        for _ in 0..<2000 {
            let usec = Int.random(in: 0..<(1 << Int.random(in: 1...50)))
            let back = try JobDuration(parsing: JobDuration(microseconds: usec).description).microseconds
            #expect(abs(back - usec) * 100 <= usec)
        }
    }
}

@Suite struct CPUCountTests {
    @Test(arguments: [
        ("1", 1000), ("0.5", 500), ("0.01", 10), ("1000", 1_000_000), ("2.125", 2125), ("2.009", 2009), ("0.0199", 19),
    ])
    func reads(_ text: String, _ milli: Int) throws {
        #expect(try CPUCount(parsing: text).milli == milli)
    }

    @Test func refuses() {
        for text in ["0", "0.005", "1001", "-1", "", "two"] {
            #expect(throws: QuantityError.self) { try CPUCount(parsing: text) }
        }
        let percent = message { () throws(QuantityError) in _ = try CPUCount(parsing: "50%") }
        #expect(percent == "'50%': CPUs are counted, not per cent: write 0.5")
    }

    @Test func roundTrip() throws {
        for milli in stride(from: 10, through: 20_000, by: 7) {
            #expect(try CPUCount(parsing: CPUCount(milli: milli).description).milli == milli)
        }
    }
}

@Suite struct IDSetTests {
    @Test(arguments: [("0", [0]), ("0-3,8", [0, 1, 2, 3, 8]), ("8,0-1,1", [0, 1, 8]), ("5-5", [5])])
    func reads(_ text: String, _ ids: [Int]) throws {
        #expect(try IDSet(parsing: text).ids == ids)
    }

    @Test(arguments: ["", "a", "3-1", "-1", "+1", "1-", "1,,2", "0-70000", "99999999", "1-2-3"])
    func refuses(_ text: String) {
        #expect(throws: QuantityError.self) { try IDSet(parsing: text) }
    }

    @Test func roundTrip() throws {
        for _ in 0..<200 {
            let set = IDSet((0..<Int.random(in: 1...20)).map { _ in Int.random(in: 0...63) })
            #expect(try IDSet(parsing: set.description) == set)
        }
    }
}

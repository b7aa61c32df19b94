// SPDX-License-Identifier: Apache-2.0

import JobModel
import Testing

@Suite struct ByteCountTests {
    @Test(arguments: [
        ("0", 0), ("4096", 4096), ("100b", 100), ("1B", 1), ("1K", 1024), ("1k", 1024), ("1Ki", 1024),
        ("100M", 104_857_600),
        ("100Mi", 104_857_600), ("1.5G", 1_610_612_736), ("2T", 2_199_023_255_552), (" 64 M ", 67_108_864),
        ("0.5K", 512),
        ("8192T", 1 << 53), ("9007199254740992", 1 << 53), ("1.00000000000000000000001K", 1024),
        ("0.9999999999K", 1023),
    ])
    func reads(_ text: String, _ bytes: Int) throws {
        #expect(try ByteCount(parsing: text).bytes == bytes)
    }

    @Test(arguments: [
        ("", "'': expected a size such as 100M or 1.5G"),
        ("abc", "'abc': expected a size such as 100M or 1.5G"),
        ("1..5G", "'1..5G': expected a size such as 100M or 1.5G"),
        (".5G", "'.5G': expected a size such as 100M or 1.5G"),
        ("+5M", "'+5M': expected a size such as 100M or 1.5G"),
        ("-5M", "'-5M': must not be negative; expected a size such as 100M or 1.5G"),
        ("5X", "'5X': unknown unit 'X'; use K, M, G or T (powers of 1024)"),
        ("1e9", "'1e9': unknown unit 'e9'; use K, M, G or T (powers of 1024)"),
        ("1.5", "'1.5': bytes are whole; add K, M, G or T"),
        ("8193T", "'8193T': the size is out of range: 8192T at most"),
        ("9007199254740993", "'9007199254740993': the size is out of range: 8192T at most"),
        ("9223372036854775807", "'9223372036854775807': the size is out of range: 8192T at most"),
        ("99999999999999999999", "'99999999999999999999': the size is out of range: 8192T at most"),
    ])
    func refuses(_ text: String, _ message: String) {
        #expect(throws: QuantityError.self) { try ByteCount(parsing: text) }
        do { _ = try ByteCount(parsing: text) } catch { #expect("\(error)" == message) }
    }

    @Test func ambiguousUnitsAreShownInBothReadings() {
        do {
            _ = try ByteCount(parsing: "100MB")
            Issue.record("100MB was accepted")
        } catch {
            let expected = "'100MB': MB is read both ways: M is 1048576 bytes here, SI MB would be 1000000; write 100M"
            #expect(error.description == expected)
        }
        for unit in ["KB", "kb", "MB", "gB", "TB"] {
            #expect(throws: QuantityError.self) { try ByteCount(parsing: "1\(unit)") }
        }
    }

    @Test(arguments: [
        (0, "0B"), (1023, "1023B"), (1024, "1K"), (1_610_612_736, "1.5G"), (104_857_600, "100M"), (1_048_575, "1M"),
        (1_073_741_823, "1G"), (1065, "1.04K"), (10_854, "10.6K"),
    ])
    func describes(_ bytes: Int, _ text: String) {
        #expect(ByteCount(bytes).description == text)
    }

    @Test func spacedForPeople() {
        #expect(ByteCount(104_857_600).human() == "100 M")
    }

    @Test func descriptionsReadBackWithinOnePerCent() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let bytes = Int.random(in: 0..<(1 << Int.random(in: 1...44, using: &random)), using: &random)
            let back = try ByteCount(parsing: ByteCount(bytes).description).bytes
            #expect(abs(back - bytes) * 100 <= bytes, "\(bytes) became \(ByteCount(bytes))")
        }
    }

    @Test func everyUnitReadsBackExactly() throws {
        for (power, unit) in ["", "K", "M", "G", "T"].enumerated() {
            for _ in 0..<100 {
                let number = Int.random(in: 0...8192)
                #expect(try ByteCount(parsing: "\(number)\(unit)").bytes == number << (10 * power))
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import JobModel
import Testing

@Suite struct JSONReaderTests {
    @Test func readsWhatItWritesAndNothingElse() throws {
        for _ in 0..<2000 {
            let value = randomJSON(depth: 4)
            #expect(try JSON(parsing: value.text()) == value)
            #expect(try JSON(parsing: value.text(pretty: true)) == value)
        }
    }

    @Test(arguments: [
        ("0", JSON.int(0)), ("-7", .int(-7)), (" \t\r\n1 ", .int(1)), ("1.0", .number(1)), ("1e3", .number(1000)),
        ("-2.5E-1", .number(-0.25)), ("9223372036854775807", .int(.max)), ("9223372036854775808", .number(0x1p63)),
        ("true", .bool(true)), ("false", .bool(false)), ("null", .null), ("\"\"", .string("")), ("[]", .array([])),
        ("{}", .object([] as [JSON.Member])), ("[ [ ] , { } ]", .array([.array([]), .object([] as [JSON.Member])])),
        (#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{c}\n\r\t")),
        (#""\u0000\u00e9\u2028\uFEFF""#, .string("\0é\u{2028}\u{feff}")),
        (#""\ud83d\ude00\uD834\uDD1E""#, .string("😀𝄞")), ("\"é😀\u{7f}\u{85}\"", .string("é😀\u{7f}\u{85}")),
    ])
    func reads(_ text: String, _ value: JSON) throws {
        #expect(try JSON(parsing: text) == value)
    }

    @Test(arguments: [
        ("", 0, "expected a value"), (" ", 1, "expected a value"), ("nul", 0, "expected null"),
        ("True", 0, "expected a value"),
        ("1 2", 2, "something follows the value"), ("[1,]", 3, "expected a value"), ("[1 2]", 3, "expected ','"),
        ("[", 1, "expected a value"), ("[1", 2, "expected ','"), ("{", 1, "expected a key"),
        ("{1:2}", 1, "expected a key"),
        ("{\"a\" 1}", 5, "expected ':'"), ("{\"a\":1,}", 7, "expected a key"),
        ("{\"a\":1,\"b\":2,\"a\":3}", 16, "the key \"a\" stands twice"), ("01", 2, "expected a value"),
        ("-", 1, "expected a value"), ("+1", 0, "expected a value"), (".5", 0, "expected a value"),
        ("1.", 2, "expected digits after the point"), ("1e", 2, "expected an exponent"),
        ("1e999", 5, "a number out of range"),
        ("NaN", 0, "expected a value"), ("'a'", 0, "expected a value"), ("\"a", 2, "a string that never ends"),
        ("\"a\nb\"", 3, "a control character in a string"), (#""\x41""#, 3, "an unknown escape"),
        (#""\u12g4""#, 3, "expected four hexadecimal digits"), (#""\u12"#, 3, "expected four hexadecimal digits"),
        (#""\ud83d""#, 7, "half a surrogate pair"), (#""\ude00""#, 7, "half a surrogate pair"),
        (#""\ud83d\u0041""#, 13, "half a surrogate pair"), ("\u{feff}1", 0, "expected a value"),
        ("1 // one", 2, "something follows the value"),
    ])
    func refuses(_ text: String, _ offset: Int, _ reason: String) {
        let found = error(text)
        #expect(found?.reason == reason && found?.offset == offset, "\(found.map { "\($0)" } ?? "accepted")")
    }

    @Test func refusesBytesThatAreNoUTF8() {
        #expect(throws: JSONError.self) { try JSON(parsing: [0x22, 0xff, 0x22]) }
        #expect(throws: JSONError.self) { try JSON(parsing: [0x22, 0xed, 0xa0, 0x80, 0x22]) }
    }

    @Test func depthEndsBeforeTheStackDoes() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try JSON(parsing: nested(64))
        #expect(error(nested(65))?.reason == "nested too deeply")
        #expect(error(String(repeating: "{\"a\":", count: 1_000_000))?.reason == "nested too deeply")
    }

    /// Anything quadratic would take minutes here.
    @Test(.timeLimit(.minutes(1))) func longTextsTakeLinearTime() throws {
        let word = String(repeating: "ä\\n", count: 500_000)
        #expect(try JSON(parsing: "\"\(word)\"").stringValue?.unicodeScalars.count == 1_000_000)
        let members = (0..<100_000).map { "\"key\($0)\":\($0)" }.joined(separator: ",")
        #expect(try JSON(parsing: "{\(members)}").objectValue?.count == 100_000)
    }

    /// Whatever bytes come, the answer is a value or an error, and a value is written as it is read.
    @Test func damagedTexts() throws {
        for _ in 0..<3000 {
            var bytes = Array(randomJSON(depth: 3).text().utf8)
            for _ in 0..<Int.random(in: 1...3) where !bytes.isEmpty {
                let index = bytes.indices.randomElement() ?? 0
                if Bool.random() {
                    bytes.remove(at: index)
                } else {
                    bytes[index] = Array("{}[]\",:\\u0e-".utf8).randomElement() ?? 0
                }
            }
            guard let value = try? JSON(parsing: bytes) else { continue }
            #expect(try JSON(parsing: value.text()) == value)
        }
    }

    @Test func accessors() throws {
        let json = try JSON(parsing: #"{"i": 1, "n": 1.5, "s": "x", "b": true, "z": null, "a": [1], "o": {"k": 2}}"#)
        #expect(json["i"]?.intValue == 1 && json["i"]?.doubleValue == 1 && json["i"]?.stringValue == nil)
        #expect(json["n"]?.doubleValue == 1.5 && json["n"]?.intValue == nil)
        #expect(json["s"]?.stringValue == "x" && json["b"]?.boolValue == true)
        // Absent is nil, however it is said.
        #expect(json["z"] == nil && json["y"] == nil && JSON.int(1)["y"] == nil)
        #expect(json["a"]?.arrayValue == [.int(1)] && json["o"]?["k"]?.intValue == 2)
        #expect(json.objectValue?.map(\.key) == ["i", "n", "s", "b", "z", "a", "o"])
    }

    private func error(_ text: String) -> JSONError? {
        do throws(JSONError) { _ = try JSON(parsing: text) } catch { return error }
        return nil
    }
}

/// Any text: what a program may print, what a shell may quote, what Unicode may do.
func randomText() -> String {
    let pieces = [
        "a", "Z", "0", " ", "\n", "\r\n", "\t", "\"", "'", "\\", "/", ": ", "# ", "{", "]", ",", "?", "%", "é", "😀",
        "\u{1}",
        "\u{7f}", "\u{85}", "\u{2028}", "\u{feff}", "null", "yes", "1e3",
    ]
    return (0..<Int.random(in: 0...6)).map { _ in pieces.randomElement() ?? "" }.joined()
}

private func randomJSON(depth: Int) -> JSON {
    switch Int.random(in: 0...(depth > 0 ? 7 : 5)) {
    case 0: return .null
    case 1: return .bool(.random())
    case 2: return .int(.random(in: .min ... .max))
    // -0.0 is written as 0.0.
    case 3: return .number(Double.random(in: -1e6...1e6) * (Bool.random() ? 1e-30 : 1e30))
    case 4, 5: return .string(randomText())
    case 6: return .array((0..<Int.random(in: 0...4)).map { _ in randomJSON(depth: depth - 1) })
    default:
        let keys = Set((0..<Int.random(in: 0...4)).map { _ in randomText() })
        return .object(keys.map { JSON.Member(key: $0, value: randomJSON(depth: depth - 1)) })
    }
}

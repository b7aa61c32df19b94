// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

/// What of other users' words may reach a terminal or a log.
@Suite struct PrintableTextTests {
    @Test(arguments: [
        ("stress --vm 1", "stress --vm 1"), ("日本 é 😀", "日本 é 😀"), ("a\\b", "a\\b"), ("", ""),
        ("x\ny\r\n", "x\\ny\\r\\n"), ("a\tb", "a\\tb"), ("/tmp/\u{1b}[31mX", "/tmp/\\e[31mX"),
        ("\u{0}\u{7}\u{7f}\u{9b}2J", "\\x00\\x07\\x7f\\x9b2J"),
        ("a\u{202e}b\u{2066}\u{2028}", "a\\u{202e}b\\u{2066}\\u{2028}"),
    ]) func `what a terminal obeys is shown as an escape`(_ text: String, _ shown: String) {
        #expect(text.printable == shown)
        #expect(text.printable.printable == shown)
    }

    @Test func `a message of ours keeps its lines`() {
        #expect("one\ntwo\u{1b}[1m\n".printableLines == "one\ntwo\\e[1m\n")
    }
}

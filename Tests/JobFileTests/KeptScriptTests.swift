// SPDX-License-Identifier: Apache-2.0
import JobFile
import JobModel
import Testing

@Suite struct KeptScriptTests {
    private func kept(_ text: String, _ path: String) -> KeptScript? {
        JobSource(.object(["text": .string(text), "path": .string(path)]))?.script
    }

    @Test(
        arguments: [
            ("#!/bin/sh -e\ntrue\n", "/x/a.sh", ["/bin/sh", "-e"]),
            ("#!/usr/bin/env -S a b\n", "/x/a", ["/usr/bin/env", "-S a b"]),
            ("#JOB --memory 1G\ntrue\n", "/x/a", ["/bin/sh"]), ("print()\n", "/x/a.py", ["python3"]),
            ("true\n", "/x/a.sh", ["/bin/sh"]), ("#!\n", "/x/a", ["/bin/sh"]),
        ])
    func scriptsAreKeptWithTheirInterpreter(_ text: String, _ path: String, _ interpreter: [String]) {
        #expect(kept(text, path) == KeptScript(path: path, text: text, interpreter: interpreter))
    }

    @Test func whatIsNoScriptIsNotKept() {
        #expect(kept("command: a\n", "/x/a.yaml") == nil)
        #expect(kept("#!/usr/bin/env -S jobs run\ncommand: a\n", "/x/a.yaml") == nil)
        #expect(kept("command: a\n", "/x/a") == nil)
        #expect(JobSource(command: ["./a.sh"]).script == nil)
    }
}

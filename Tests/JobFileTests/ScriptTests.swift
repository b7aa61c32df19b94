// SPDX-License-Identifier: Apache-2.0

import JobFile
import JobModel
import Testing

@Suite struct ScriptTests {
    @Test func shell() throws {
        let spec = try JobFile.parse(
            script: """
                #!/bin/sh
                # What this is about
                #JOB --memory 100M --pids=64 # half of the machine

                #JOB	--wall-time 1m --no-pid --net
                #JOB --env A=1 --env 'B=two words' --env C="x\\"y" --description a\\ b
                #JOB
                echo hello
                # a comment
                """, file: "jobs/nightly.sh")
        #expect(spec.name == "nightly")
        #expect(spec.command == .script(path: "jobs/nightly.sh", arguments: []))
        #expect(spec.limits.memory == ByteCount(100 << 20))
        #expect(spec.limits.pids == 64)
        #expect(spec.limits.wallTime == .seconds(60))
        #expect(spec.isolation.pid == false && spec.isolation.net)
        #expect(spec.environment == ["A": "1", "B": "two words", "C": "x\"y"])
        #expect(spec.summary == "a b")
    }

    @Test func python() throws {
        let spec = try JobFile.parse(
            script: "#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\n#JOB --cpus 2 --name fit\nimport os\n",
            file: "fit.py")
        #expect(spec.name == "fit")
        #expect(spec.limits.cpus == CPUCount(milli: 2000))
    }

    @Test func noJobLinesIsNoProblem() throws {
        #expect(try JobFile.parse(script: "#!/bin/sh\ntrue\n", file: "a.sh").limits == Limits())
        #expect(try JobFile.parse(script: "", file: "a.sh").limits == Limits())
    }

    @Test(arguments: [
        (
            "#!/bin/sh\necho\n#JOB --memory 1M\n",
            "x.sh:3:1: error: this #JOB line comes after the first command (line 2) and would be ignored; move it above"
        ),
        (
            "#JOB --memory 100MB\n",
            "x.sh:1:15: error: --memory: '100MB': MB is read both ways: M is 1048576 bytes here, SI MB would be 1000000; write 100M"
        ),
        ("#JOB --pids 3 --memmory 1M\n", "x.sh:1:15: error: unknown flag '--memmory'; did you mean '--memory'?"),
        ("#JOB --timeout=5\n", "x.sh:1:6: error: unknown flag '--timeout'; did you mean '--wall-time'?"),
        ("#JOB --memory\n", "x.sh:1:6: error: --memory needs a value: a size such as 100M or 1.5G"),
        ("#JOB --memory --pids 3\n", "x.sh:1:6: error: --memory needs a value: a size such as 100M or 1.5G"),
        ("#JOB memory 1M\n", "x.sh:1:6: error: found 'memory', expected a flag such as --memory 100M"),
        ("#JOB --no-net=yes\n", "x.sh:1:6: error: --no-net: takes no value, but was given 'yes'"),
        ("#JOB --net yes\n", "x.sh:1:12: error: found 'yes', expected a flag such as --memory 100M"),
        ("#JOB --name 'a b\n", "x.sh:1:13: error: this quote is never closed"),
        ("#JOB --pids 3\n#JOB --pids 4\n", "x.sh:2:6: error: '--pids' is given twice; the first is at line 1"),
        ("#JOB --env A\n", "x.sh:1:12: error: --env: 'A': expected NAME=VALUE"),
        ("# JOB --memory 1M\n", "x.sh:1:1: error: this line would be ignored; write it as '#JOB --flag value'"),
        ("#jobs: --memory 1M\n", "x.sh:1:1: error: this line would be ignored; write it as '#JOB --flag value'"),
        ("#JOB --command ls\n", "x.sh:1:6: error: unknown flag '--command'"),
        (
            "#JOB --memory 1M --memory-soft 2M\n",
            "x.sh:1:18: error: memory-soft (2M) is above memory (1M), so it would never be reached"
        ),
    ])
    func errors(_ script: String, _ message: String) {
        #expect(complaints(script: script) == message)
    }

    @Test func commentsAboutJobsAreComments() {
        #expect(complaints(script: "# job control is off\n#JOBS\n#JOBNAME --x\n#: JOB --memory 1M\ntrue\n") == "")
    }

    @Test func windowsLineEndings() {
        #expect(complaints(script: "#!/bin/sh\r\ntrue\r\n").contains("Windows line endings"))
        #expect(complaints(script: "#JOB --pids 3\r\ntrue\r\n") == "")
    }
}

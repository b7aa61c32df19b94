// SPDX-License-Identifier: Apache-2.0

import JobModel
import Testing

// Swift Testing has one, too.
private typealias ExitStatus = JobModel.ExitStatus

@Suite struct VerdictTests {
    private func code(_ state: JobState, _ cause: Cause, _ exit: ExitStatus) -> Int32 {
        Verdict(state: state, cause: cause, exit: exit, message: "").processExitCode
    }

    @Test func exitCodesOfTheContract() {
        #expect(code(.completed, .success, ExitStatus(code: 0)) == 0)
        #expect(code(.failed, .exitStatus, ExitStatus(code: 3)) == 3)
        #expect(code(.failed, .signal, ExitStatus(signal: 11)) == 139)
        #expect(code(.outOfMemory, .ownLimit, ExitStatus(signal: 9)) == 137)
        // Out-of-memory stays 137 when the main process itself ended well.
        #expect(code(.outOfMemory, .ownLimit, ExitStatus(code: 0)) == 137)
        #expect(code(.timeout, .wallTime, ExitStatus(signal: 15)) == 124)
        #expect(code(.timeout, .cpuTime, ExitStatus(code: 0)) == 124)
        #expect(code(.failed, .setup, ExitStatus()) == 125)
        #expect(code(.lost, .supervisorLost, ExitStatus()) == 125)
        #expect(code(.failed, .notExecutable, ExitStatus(code: 126)) == 126)
        #expect(code(.failed, .notExecutable, ExitStatus()) == 127)
        #expect(code(.cancelled, .cancelled, ExitStatus(signal: 15)) == 143)
        #expect(code(.cancelled, .interrupted, ExitStatus(signal: 9)) == 130)
        #expect(code(.cancelled, .cancelled, ExitStatus(code: 0)) == 143)
    }

    @Test func waitStatus() {
        #expect(ExitStatus(waitStatus: 0) == ExitStatus(code: 0))
        #expect(ExitStatus(waitStatus: 0x0300) == ExitStatus(code: 3))
        #expect(ExitStatus(waitStatus: 9) == ExitStatus(signal: 9))
        // With a core dump.
        #expect(ExitStatus(waitStatus: 0x8b) == ExitStatus(signal: 11))
    }

    @Test func commands() {
        #expect(Command.shell("a | b").arguments == ["/bin/sh", "-c", "a | b"])
        #expect(Command.script(path: "/x.sh", arguments: ["1"]).arguments == ["/x.sh", "1"])
    }

    @Test func defaultsOfASpec() {
        let spec = JobSpec(name: "x")
        #expect(spec.limits.swap == .bytes(ByteCount(0)))
        #expect(spec.limits.memory == nil)
        #expect(spec.oom == .killJob)
        #expect(spec.isolation.pid && spec.isolation.mount && !spec.isolation.net && !spec.isolation.privateTmp)
        #expect(DeviceRule.standard.count == 8)
    }
}

// SPDX-License-Identifier: Apache-2.0

import JobFile
import JobModel
import Testing

@Suite struct YAMLErrorTests {
    @Test func unknownKeys() {
        #expect(
            complaints(yaml: "command: a\nlimits:\n  pids: 3\n  memmory: 1M\n").hasPrefix(
                "x.yaml:4:3: error: unknown key 'memmory' in limits; did you mean 'memory'? Allowed: memory, swap, memory-soft, cpus, "
            ))
        #expect(
            complaints(yaml: "command: a\nzzz: 1\n")
                == "x.yaml:2:1: error: unknown key 'zzz'. Allowed: name, description, command, script, directory, env, user, "
                + "group, hostname, umask, oom, export, limits, isolation, queue")
        #expect(
            complaints(yaml: "command: a\nmemory: 1M\n")
                == "x.yaml:2:1: error: 'memory' belongs under 'limits'")
        #expect(
            complaints(yaml: "command: a\nlimits:\n  oom: kill-job\n")
                == "x.yaml:3:3: error: 'oom' belongs at the top level, not in limits")
        #expect(complaints(yaml: "command: a\ntimeout: 5\n").contains("did you mean 'limits.wall-time'?"))
        #expect(complaints(yaml: "command: a\nlimits: {timeout: 5}\n").contains("did you mean 'wall-time'?"))
        #expect(complaints(yaml: "command: a\nlimit: {memory: 5M}\n").contains("did you mean 'limits'?"))
        #expect(complaints(yaml: "command: a\nlimits: {Wall_Time: 5}\n").contains("did you mean 'wall-time'?"))
    }

    @Test(arguments: [
        (
            "limits: {memory: 100MB}",
            "x.yaml:2:18: error: memory: '100MB': MB is read both ways: M is 1048576 bytes here, SI MB would be 1000000; write 100M"
        ),
        (
            "limits: {memory: 100}",
            "x.yaml:2:18: error: memory: '100': 100 bytes are less than a process needs to start, write a size such as 100M; "
                + "did you mean 100M?"
        ),
        ("limits: {memory: 0}", "x.yaml:2:18: error: memory: '0': must be more than 0; leave the key out for no limit"),
        ("limits: {memory: [1]}", "x.yaml:2:18: error: memory: found a list, expected a size such as 100M or 1.5G"),
        ("limits: {memory: {a: 1}}", "x.yaml:2:18: error: memory: found a map, expected a size such as 100M or 1.5G"),
        ("limits:\n  memory:", "x.yaml:3:10: error: memory: has no value; expected a size such as 100M or 1.5G"),
        ("limits: {memory: null}", "x.yaml:2:18: error: memory: has no value; expected a size such as 100M or 1.5G"),
        ("limits: {cpu-weight: 0}", "x.yaml:2:22: error: cpu-weight: '0': must be from 1 to 10000"),
        ("limits: {pids: 0}", "x.yaml:2:16: error: pids: '0': must be from 1 to 4194304"),
        ("limits: {pids: 1_000}", "x.yaml:2:16: error: pids: '1_000': write it without '_': 1000"),
        ("limits: {pids: 1.5}", "x.yaml:2:16: error: pids: '1.5': expected a whole number from 1 to 4194304"),
        ("limits: {cpus: 50%}", "x.yaml:2:16: error: cpus: '50%': CPUs are counted, not per cent: write 0.5"),
        (
            "limits: {wall-time: 1:30}",
            "x.yaml:2:21: error: wall-time: '1:30': hours, minutes or seconds? Write it with units, such as 1h30m or 1m30s"
        ),
        (
            "limits: {wall-time: 0}",
            "x.yaml:2:21: error: wall-time: '0': must be more than 0; leave the key out for no limit"
        ),
        ("limits: 5", "x.yaml:2:9: error: limits: found '5', expected keys such as 'memory'"),
        (
            "limits: {io: {/dev/sda: {reed: 1}}}",
            "x.yaml:2:26: error: io: unknown key 'reed' in io; did you mean 'read'? Allowed: read, write, read-iops, write-iops"
        ),
        (
            "limits: {io: {/dev/sda: {read: 1MB}}}",
            "x.yaml:2:32: error: io: read: '1MB': MB is read both ways: M is 1048576 bytes here, SI MB would be 1000000; write 1M"
        ),
        (
            "limits: {io: {sda: {read: 1}}}",
            "x.yaml:2:15: error: io: 'sda': expected a device such as /dev/sda, a mount point or 8:0"
        ),
        (
            "limits: {io: {/dev/sda: {}}}",
            "x.yaml:2:15: error: io: '/dev/sda' has no limit. Allowed: read, write, read-iops, write-iops"
        ),
        (
            "limits: {hugepages: {3M: 6M}}",
            "x.yaml:2:22: error: hugepages: '3M': a page size is a power of two, such as 2M or 1G"
        ),
        (
            "limits: {devices: [standard, fuse]}",
            "x.yaml:2:30: error: devices: 'fuse': expected standard, a path such as /dev/fuse rw, or c MAJOR:MINOR rwm"
        ),
        (
            "isolation: {net: maybe}",
            "x.yaml:2:18: error: net: 'maybe': expected true or false (yes, no, on and off are read too)"
        ),
        (
            "isolation: {seccomp: false}",
            "x.yaml:2:22: error: seccomp: unknown profile 'false'. Allowed: default, nested, off"
        ),
        (
            "isolation: {capabilities: [KILL, NET_ADMN]}",
            "x.yaml:2:34: error: capabilities: unknown capability 'NET_ADMN'; see capabilities(7); did you mean 'NET_ADMIN'?"
        ),
        (
            "isolation: {time: {monotonic: 1500ms}}",
            "x.yaml:2:31: error: time: '1500ms': must be whole seconds"
        ),
        (
            "oom: kill",
            "x.yaml:2:6: error: oom: unknown policy 'kill'; did you mean 'kill-job'? Allowed: kill-job, kill-process"
        ),
        ("umask: 0089", "x.yaml:2:8: error: umask: '0089': expected an octal mask from 0000 to 0777, such as 0027"),
        ("umask: 18", "x.yaml:2:8: error: umask: '18': expected an octal mask from 0000 to 0777, such as 0027"),
        ("name: a/b", "x.yaml:2:7: error: name: 'a/b': must not contain '/'"),
        ("name: ''", "x.yaml:2:7: error: name: must not be empty"),
        ("hostname: a_b", "x.yaml:2:11: error: hostname: 'a_b': a host name has letters, digits, '-' and '.' only"),
        ("env: {A: }", "x.yaml:2:7: error: env: A has no value; write '' for an empty text"),
        ("env: {'A=B': c}", "x.yaml:2:7: error: env: 'A=B' cannot be the name of an environment variable"),
        ("env: [A=B]", "x.yaml:2:6: error: env: found a list, expected a map such as {OMP_NUM_THREADS: 4}"),
        ("directory: \"a\\0b\"", "x.yaml:2:12: error: directory: must not contain a NUL character"),
        ("umask: !!int 0022", "x.yaml:2:8: error: YAML tags such as !!int have no meaning in a job file"),
        ("<<: {}", "x.yaml:2:1: error: merge keys ('<<') are not supported; write the keys out"),
    ])
    func values(_ line: String, _ message: String) {
        #expect(complaints(yaml: "command: a\n\(line)\n").split(separator: "\n").first.map(String.init) == message)
    }

    @Test func commands() {
        #expect(
            complaints(yaml: "script: a\ncommand: b\n")
                == "x.yaml:2:1: error: a job has either 'command' or 'script', not both")
        #expect(
            complaints(yaml: "name: a\n")
                == "x.yaml:1:1: error: there is no 'command' and no 'script', so nothing to run")
        #expect(complaints(yaml: "command: []\n") == "x.yaml:1:10: error: command: the command must not be empty")
        #expect(
            complaints(yaml: "command: [a, [b]]\n")
                == "x.yaml:1:14: error: command: found a list, expected a text for each argument")
        #expect(complaints(yaml: "command: ' '\n") == "x.yaml:1:10: error: command: the command must not be empty")
        #expect(
            complaints(yaml: "script: |\n  #!/usr/bin/python3\n  print()\n").contains("its '#!' line has no effect"))
        #expect(complaints(yaml: "script: |\n  #!/bin/sh\n  true\n").isEmpty)
    }

    @Test func theFileAsAWhole() {
        let empty = "x.yaml:1:1: error: the file is empty; a job needs at least a command"
        for text in ["", "\n\n", "# nothing\n", "---\n", "~"] { #expect(complaints(yaml: text) == empty) }
        #expect(complaints(yaml: "- a\n") == "x.yaml:1:1: error: found a list, expected keys such as 'command:'")
        #expect(complaints(yaml: "ls -l\n") == "x.yaml:1:1: error: found 'ls -l', expected keys such as 'command:'")
        #expect(
            complaints(yaml: "command: a\n---\ncommand: b\n")
                == "x.yaml:2:1: error: a second YAML document starts here; a job file is one document")
        #expect(
            complaints(yaml: "command: a\nlimits:\n\tmemory: 1M\n")
                == "x.yaml:3:1: error: YAML cannot be indented with tabs; use spaces")
        #expect(complaints(yaml: "command: [a\n").hasPrefix("x.yaml:2:1: error: not YAML: "))
        #expect(
            complaints(yaml: "command: *nothing\n").hasPrefix("x.yaml:1:10: error: not YAML: found undefined alias"))
        #expect(
            complaints(yaml: "command: a\nname: b\u{1}\n").hasPrefix("x.yaml:2:8: error: not YAML: control characters"))
        #expect(complaints(yaml: "? [a]\n: b\n") == "x.yaml:1:3: error: a key must be one word")
    }

    @Test func aliasesOfAliasesComeToAnEnd() {
        var text = "command: &a0 [x, x]\n"
        for level in 1...40 { text += "k\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
        #expect(complaints(yaml: text).contains("more than 12 aliases"))
    }

    @Test func deepNestingIsNoCrash() {
        #expect(!complaints(yaml: "command: " + String(repeating: "[", count: 200_000)).isEmpty)
        #expect(!complaints(yaml: String(repeating: "{a: ", count: 200_000)).isEmpty)
    }

    @Test func repeatedKeys() {
        #expect(
            complaints(yaml: "command: a\nlimits:\n  memory: 1M\n  pids: 3\n  memory: 2M\n")
                == "x.yaml:5:3: error: key 'memory' is given twice; the first is at line 3")
        #expect(
            complaints(yaml: "command: a\n\"command\" : b\n")
                == "x.yaml:2:1: error: key 'command' is given twice; the first is at line 1")
        #expect(
            complaints(yaml: "command: a\nlimits: {pids: 1, pids: 2}\n")
                == "x.yaml:2:10: error: key 'pids' is given twice in the same map")
        #expect(
            complaints(yaml: "command: a\nenv:\n  1: a\n  '1': b\n") == "x.yaml:4:3: error: env: '1' is given twice")
        #expect(
            complaints(yaml: "command: a\nlimits:\n  hugepages: {2M: 1, 2Mi: 2}\n")
                == "x.yaml:3:22: error: hugepages: page size 2M is given twice")
    }

    @Test func everythingThatIsWrongInTheOrderOfTheFile() {
        let text = complaints(yaml: "isolation:\n  nett: yes\nlimits:\n  pids: no\n  memory: 1MB\nnam: x\n")
        #expect(
            text.split(separator: "\n").map { $0.prefix(12) } == [
                "x.yaml:2:3: ", "x.yaml:4:9: ", "x.yaml:5:11:", "x.yaml:6:1: ",
            ])
    }

    @Test(arguments: [
        (
            "limits:\n  memory: 100M\n  memory-soft: 200M",
            "x.yaml:4:3: error: memory-soft (200M) is above memory (100M), so it would never be reached"
        ),
        (
            "limits:\n  swap: 1M",
            "x.yaml:3:3: error: swap needs memory: swap is what a job may use beyond its memory limit"
        ),
        (
            "limits:\n  swap: unlimited",
            "x.yaml:3:3: error: swap needs memory: swap is what a job may use beyond its memory limit"
        ),
        (
            "isolation:\n  private-tmp: true\n  mount: false",
            "x.yaml:3:3: error: private-tmp needs mount: without a mount namespace it would cover everyone's /tmp"
        ),
        (
            "isolation:\n  shm: private\n  mount: false",
            "x.yaml:3:3: error: shm: private needs mount: without a mount namespace it would cover everyone's /dev/shm"
        ),
        (
            "isolation:\n  mask-paths: true\n  mount: false",
            "x.yaml:3:3: error: mask-paths needs mount: without a mount namespace it would hide the paths from everyone"
        ),
        (
            "isolation:\n  init: false\n  pid: false",
            "x.yaml:3:3: error: init: false needs pid: without a PID namespace the command cannot be process 1"
        ),
        (
            "hostname: a\nisolation: {uts: false}",
            "x.yaml:2:1: error: hostname needs uts: without a UTS namespace it would rename the machine"
        ),
    ])
    func contradictions(_ lines: String, _ message: String) {
        #expect(complaints(yaml: "command: a\n\(lines)\n") == message)
    }

    @Test func whatIsNoContradiction() {
        for lines in [
            "limits: {swap: 0}", "limits: {memory: 1M, memory-soft: 1M, swap: 1G}", "isolation: {mount: false}",
            "isolation: {pid: false}", "isolation: {init: false}", "limits: {memory: 64K, cpu-time: 2h, wall-time: 1h}",
        ] {
            #expect(complaints(yaml: "command: a\n\(lines)\n") == "")
        }
    }
}

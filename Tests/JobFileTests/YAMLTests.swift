// SPDX-License-Identifier: Apache-2.0

import JobFile
import JobModel
import Testing

@Suite struct YAMLTests {
    @Test func smallestJobs() throws {
        #expect(try yaml("command: ls") == JobSpec(name: "x", command: .shell("ls")))
        #expect(
            try yaml("command: [ls, -l, 1, yes, 1.10, '']").command == .arguments(["ls", "-l", "1", "yes", "1.10", ""]))
        #expect(try yaml("script: |\n  a\n  b\n").command == .shell("a\nb\n"))
        #expect(try yaml("{command: a}").command == .shell("a"))
        #expect(try JobFile.parse(yaml: "command: a", file: "jobs/deep.er/night.ly.yaml").name == "night.ly")
    }

    @Test func everything() throws {
        let spec = try yaml(
            """
            name: all
            description: One of each
            command: [run, it]
            directory: /srv
            env: {A: 1, B: no, "C": "x=y"}
            user: nobody
            group: 65534
            hostname: node-1
            umask: 0027
            oom: kill-process
            limits:
              memory: 100M
              swap: unlimited
              memory-soft: 80M
              cpus: 1.5
              cpu-weight: 50
              cpuset: 0-1
              pids: 64
              wall-time: 1h30m
              cpu-time: 600
              grace: 10s
              nofile: 1024
              core: 0
              stack: 8M
              fsize: unlimited
              io:
                /dev/sda: {read: 10M, write: 1M, read-iops: 10, write-iops: 100}
                8:16: {read: 1K}
              hugepages: {2M: 64M, 1G: 0}
              devices: [standard, /dev/fuse rw, "c 10:229 rwm", "b 8:* r", /dev/kvm]
            isolation:
              pid: false
              mount: yes
              uts: on
              ipc: no
              net: true
              user: TRUE
              cgroup: true
              time: {monotonic: 10d, boottime: 1h}
              private-tmp: true
              seccomp: off
              mask-paths: false
              capabilities: [NET_ADMIN, cap_sys_ptrace]
              init: true
            """)
        var expected = JobSpec(name: "all", command: .arguments(["run", "it"]))
        expected.summary = "One of each"
        expected.directory = "/srv"
        expected.environment = ["A": "1", "B": "no", "C": "x=y"]
        expected.user = "nobody"
        expected.group = "65534"
        expected.hostname = "node-1"
        expected.umask = 0o27
        expected.oom = .killProcess
        expected.limits.memory = ByteCount(100 << 20)
        expected.limits.swap = .unlimited
        expected.limits.memorySoft = ByteCount(80 << 20)
        expected.limits.cpus = CPUCount(milli: 1500)
        expected.limits.cpuWeight = 50
        expected.limits.cpuset = IDSet([0, 1])
        expected.limits.pids = 64
        expected.limits.wallTime = .seconds(5400)
        expected.limits.cpuTime = .seconds(600)
        expected.limits.grace = .seconds(10)
        expected.limits.rlimits = [.nofile: 1024, .core: 0, .stack: 8 << 20, .fsize: .max]
        var sda = DeviceIOLimit(device: "/dev/sda")
        sda.readBytesPerSecond = 10 << 20
        sda.writeBytesPerSecond = 1 << 20
        sda.readOperationsPerSecond = 10
        sda.writeOperationsPerSecond = 100
        var sdb = DeviceIOLimit(device: "8:16")
        sdb.readBytesPerSecond = 1024
        expected.limits.io = [sda, sdb]
        expected.limits.hugepages = [ByteCount(2 << 20): ByteCount(64 << 20), ByteCount(1 << 30): ByteCount(0)]
        expected.limits.devices =
            DeviceRule.standard + [
                DeviceRule(target: .path("/dev/fuse"), read: true, write: true, mknod: false),
                DeviceRule(target: .number(block: false, major: 10, minor: 229), read: true, write: true, mknod: true),
                DeviceRule(target: .number(block: true, major: 8, minor: nil), read: true, write: false, mknod: false),
                DeviceRule(target: .path("/dev/kvm"), read: true, write: true, mknod: false),
            ]
        expected.isolation.pid = false
        expected.isolation.ipc = false
        expected.isolation.net = true
        expected.isolation.user = true
        expected.isolation.cgroup = true
        expected.isolation.time = TimeOffsets(monotonicSeconds: 864_000, boottimeSeconds: 3600)
        expected.isolation.privateTmp = true
        expected.isolation.seccomp = .off
        expected.isolation.maskPaths = false
        expected.isolation.capabilities = .named(["NET_ADMIN", "SYS_PTRACE"])
        #expect(spec == expected)
    }

    /// The same text means the same with and without quotes, whatever YAML would make of it.
    @Test func scalarsStayText() throws {
        func limits(_ line: String) throws -> Limits { try yaml("command: a\nlimits:\n  \(line)\n").limits }
        #expect(try limits("memory: 104857600").memory == ByteCount(104_857_600))
        #expect(try limits("memory: '100M'") == limits("memory: 100M"))
        #expect(try limits("cpuset: 1").cpuset == IDSet([1]))
        #expect(try limits("cpuset: 0-3").cpuset == IDSet(0...3))
        #expect(try limits("cpus: 2").cpus == CPUCount(milli: 2000))
        #expect(try limits("wall-time: 90").wallTime == .seconds(90))
        for mask in ["0022", "022", "22", "\"0022\"", "0o22"] {
            #expect(try yaml("command: a\numask: \(mask)\n").umask == 0o22)
        }
        #expect(try yaml("command: a\nname: 2026-11-23\n").name == "2026-11-23")
        #expect(try yaml("command: a\nuser: 1000\n").user == "1000")
    }

    @Test func listsMayBeOneText() throws {
        func spec(_ lines: String) throws -> JobSpec { try yaml("command: a\n" + lines) }
        #expect(
            try spec("isolation: {capabilities: 'KILL, CHOWN'}").isolation.capabilities == .named(["KILL", "CHOWN"]))
        #expect(try spec("isolation: {capabilities: none}").isolation == Isolation())
        #expect(try spec("limits: {devices: standard}").limits.devices == DeviceRule.standard)
        #expect(try spec("limits: {devices: none}").limits.devices == [])
        #expect(try spec("limits: {devices: []}").limits.devices == [])
        #expect(try spec("").limits.devices == nil)
    }

    @Test func anchorsAndEmptySections() throws {
        let spec = try yaml(
            """
            command: a
            limits:
              io:
                /dev/sda: &disk {read: 1M}
                /dev/sdb: *disk
            isolation:
              # net: true
            """)
        #expect(spec.limits.io.map(\.readBytesPerSecond) == [1 << 20, 1 << 20])
        #expect(spec.isolation == Isolation())
    }

    @Test func withoutMountsNothingIsMasked() throws {
        #expect(try yaml("command: a\nisolation: {mount: false}").isolation.maskPaths == false)
    }

    @Test func windowsLineEndings() throws {
        #expect(try yaml("command: a\r\nlimits:\r\n  memory: 1M\r\n").limits.memory == ByteCount(1 << 20))
    }

    /// The parser of the library keeps a pointer into the text; every length must do.
    @Test func everyLength() throws {
        for count in 1...40 {
            let text = String(repeating: "a", count: count)
            #expect(try yaml("command: \(text)").command == .shell(text))
        }
    }
}

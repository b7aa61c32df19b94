// SPDX-License-Identifier: Apache-2.0

@testable import JobFile
import JobModel
import Testing

@Suite struct SettingsTests {
    @Test func theListIsConsistent() {
        #expect(Set(Settings.all.map(\.path)).count == Settings.all.count)
        let flags = Settings.all.compactMap(\.flag)
        #expect(Set(flags).count == flags.count)
        // `--no-x` must never be both a negation and a flag of its own.
        #expect(!flags.contains { $0.hasPrefix("no-") })
        // A synonym that is another setting's key in the same section would never be reached.
        for setting in Settings.all {
            #expect(Set(setting.synonyms).isDisjoint(with: Settings.keys(in: setting.section)), "\(setting.path)")
            #expect(!setting.documentation.isEmpty && setting.documentation.hasSuffix("."))
        }
    }

    @Test func examplesAreRead() throws {
        for setting in Settings.all {
            let text = document(with: setting)
            #expect(complaints(yaml: text) == "")
            if setting.key != "command", setting.key != "script" {
                #expect(try yaml(text) != yaml("command: a"), "\(setting.path): the example changes nothing")
            }
        }
    }

    @Test func defaultsAreWhatHoldsAnyway() throws {
        for setting in Settings.all {
            guard let standard = setting.standard, let flag = setting.flag else { continue }
            #expect(try applying((flag, standard)) == JobSpec(name: "x"), "\(flag)")
        }
    }

    @Test func flags() throws {
        #expect(try applying(("memory", "100M")).limits.memory == ByteCount(100 << 20))
        #expect(try applying(("--memory", "100M"), ("--memory", "1G")).limits.memory == ByteCount(1 << 30))
        #expect(try applying(("net", nil)).isolation.net)
        #expect(try applying(("--net", nil), ("--no-net", nil)).isolation.net == false)
        #expect(try applying(("--pid", "false")).isolation.pid == false)
        #expect(try applying(("--userns", nil)).isolation.user)
        #expect(try applying(("--user", "pi")).user == "pi")
        #expect(
            try applying(("--env", "A=1"), ("--env", "B=x,y=z"), ("--env", "A=")).environment == [
                "A": "", "B": "x,y=z",
            ])
        #expect(
            try applying(("--time-offset", "monotonic=10d,boottime=5s")).isolation.time
                == TimeOffsets(monotonicSeconds: 864_000, boottimeSeconds: 5))
        #expect(
            try applying(("--hugepages", "2M=64M"), ("--hugepages", "1G=2G,2M=32M")).limits.hugepages
                == [ByteCount(2 << 20): ByteCount(32 << 20), ByteCount(1 << 30): ByteCount(2 << 30)])
        #expect(try applying(("--devices", "standard,/dev/fuse rw,c 10:229 rwm")).limits.devices?.count == 10)
        #expect(try applying(("--devices", "none")).limits.devices == [])
        #expect(try applying(("--capabilities", "kill,CAP_CHOWN")).isolation.capabilities == .named(["KILL", "CHOWN"]))
        #expect(try applying(("--capabilities", "all")).isolation.capabilities == .all)
        #expect(try applying(("--capabilities", "KILL,all")).isolation.capabilities == .all)
        #expect(
            try applying(("--capabilities", "default,NET_RAW")).isolation.capabilities
                == .named(Capability.engineDefaults.union(["NET_RAW"])))
        #expect(Capability.engineDefaults.isSubset(of: Capability.names))
        #expect(try applying(("--new-privileges", nil)).isolation.newPrivileges)
        #expect(try applying(("--no-new-privileges", nil)) == JobSpec(name: "x"))
        #expect(try applying(("--no-mount", nil)).isolation.maskPaths == false)
    }

    @Test func ioFlags() throws {
        let io = try applying(
            ("--io", "/dev/sda:read=10M,write-iops=100"), ("--io", "8:0:read=1M"), ("--io", "/dev/sda:write=1K")
        ).limits.io
        var first = DeviceIOLimit(device: "8:0")
        first.readBytesPerSecond = 1 << 20
        // The second says nothing of reading and of requests.
        var second = DeviceIOLimit(device: "/dev/sda")
        second.readBytesPerSecond = 10 << 20
        second.writeOperationsPerSecond = 100
        second.writeBytesPerSecond = 1024
        #expect(io == [first, second])
        let form = "expected DEVICE:KEY=VALUE,… such as /dev/sda:read=10M,write-iops=100"
        #expect(complaint(flag: "--io", "/dev/sda") == "--io: '/dev/sda': \(form)")
        #expect(complaint(flag: "--io", "read=1") == "--io: 'read=1': \(form)")
        #expect(complaint(flag: "--io", "/dev/sda:read=1,write") == "--io: 'write': \(form)")
        #expect(complaint(flag: "--io", "/dev/sda:reads=1").contains("did you mean 'read'?"))
    }

    @Test func wrongFlags() {
        #expect(complaint(flag: "--memmory", "1") == "unknown flag '--memmory'; did you mean '--memory'?")
        #expect(complaint(flag: "--cores", "1") == "unknown flag '--cores'; did you mean '--cpus'?")
        #expect(
            complaint(flag: "--no-new-privs", "false")
                == "unknown flag '--no-new-privs'; did you mean '--new-privileges'?")
        #expect(complaint(flag: "--xyzzy", "1") == "unknown flag '--xyzzy'")
        #expect(complaint(flag: "--no-memory", nil) == "unknown flag '--no-memory'; did you mean '--memory'?")
        #expect(complaint(flag: "--memory", nil) == "--memory needs a value: a size such as 100M or 1.5G")
        #expect(complaint(flag: "--memory", "") == "--memory: '': expected a size such as 100M or 1.5G")
        #expect(complaint(flag: "--no-net", "yes") == "--no-net takes no value, but was given 'yes'")
        #expect(
            complaint(flag: "net", "perhaps")
                == "--net: 'perhaps': expected true or false (yes, no, on and off are read too)")
        #expect(complaint(flag: "env", "=1") == "--env: '=1': expected NAME=VALUE")
    }

    @Test func takingFlags() throws {
        var arguments = ["--memory", "1M", "--net", "--pids=3", "--env=A=B", "--report", "x", "--", "ls"][...]
        var taken: [Settings.Given] = []
        while let given = try Settings.take(from: &arguments) { taken.append(given) }
        #expect(
            taken == [
                .init(flag: "--memory", value: "1M"), .init(flag: "--net", value: nil),
                .init(flag: "--pids", value: "3"),
                .init(flag: "--env", value: "A=B"),
            ])
        #expect(arguments == ["--report", "x", "--", "ls"])
    }

    @Test func contradictionsAfterFlags() throws {
        var spec = try yaml("command: a\nlimits: {memory: 1G, memory-soft: 500M}\n")
        #expect(Settings.contradictions(in: spec).isEmpty)
        try Settings.apply(flag: "memory", value: "100M", to: &spec)
        #expect(
            Settings.contradictions(in: spec).map(\.description)
                == ["memory-soft (500M) is above memory (100M), so it would never be reached"])
        var unmounted = try yaml("command: a\nisolation: {mask-paths: true}\n")
        // The flag beats the file.
        try Settings.apply(flag: "--no-mount", value: nil, to: &unmounted)
        #expect(Settings.contradictions(in: unmounted).isEmpty)
    }

    /// Whatever number is written, YAML and flag agree on it.
    @Test func yamlAndFlagsAgree() throws {
        for _ in 0..<50 {
            let size = "\(Int.random(in: 64...4096))\(["K", "Mi", "g"].randomElement() ?? "")"
            let time = "\(Int.random(in: 1...99))\(["", "s", "m", "h", "d"].randomElement() ?? "")"
            let fromYAML = try yaml("command: a\nlimits: {memory: \(size), wall-time: \(time)}\n").limits
            #expect(try applying(("memory", size), ("wall-time", time)).limits == fromYAML)
        }
    }

    @Test(arguments: [
        ("memmory", "memory"), ("memroy", "memory"), ("mem", "memory"), ("swp", "swap"), ("MEMORY_SOFT", "memory-soft"),
        ("cpu", "cpus"), ("walltime", "wall-time"), ("wall", "wall-time"), ("pid", "pids"),
    ])
    func nearestWord(_ wrong: String, _ right: String) {
        #expect(nearest(wrong, among: Settings.keys(in: "limits")) == right)
    }

    @Test func nothingIsNear() {
        #expect(nearest("xyzzy", among: Settings.keys(in: "limits")) == nil)
        #expect(nearest("", among: ["a"]) == nil)
    }

    @Test func editDistances() {
        #expect(editDistance("", "abc") == 3)
        #expect(editDistance("abc", "abc") == 0)
        #expect(editDistance("abc", "acb") == 1)
        #expect(editDistance("kitten", "sitting") == 3)
    }

    @Test func capabilityNumbers() {
        #expect(Capability.names.count == 41)
        #expect(Capability.names[21] == "SYS_ADMIN")
        #expect(Capability.names[40] == "CHECKPOINT_RESTORE")
    }
}

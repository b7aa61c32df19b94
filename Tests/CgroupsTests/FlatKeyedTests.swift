// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Testing

@Suite struct FlatKeyedTests {
    @Test(arguments: [KernelTexts.memoryStat510, KernelTexts.memoryStat61, KernelTexts.memoryStat7])
    func `memory.stat of every kernel gives what all of them have`(_ text: String) {
        let stat = FlatKeyed(text)
        for key in ["anon", "file", "shmem", "slab", "pgfault", "pgmajfault", "kernel_stack"] {
            #expect(stat[key] != nil, "\(key)")
        }
        #expect(stat["anon"] != stat["file"])
    }

    @Test func `a key that the kernel does not have is nil and not 0`() {
        #expect(FlatKeyed(KernelTexts.memoryStat510)["kernel"] == nil)
        #expect(FlatKeyed(KernelTexts.memoryStat61)["kernel"] == 1_204_224)
        #expect(FlatKeyed(KernelTexts.memoryEvents510)["oom_group_kill"] == nil)
        #expect(FlatKeyed(KernelTexts.memoryEvents517)["oom_group_kill"] == 1)
        #expect(FlatKeyed(KernelTexts.memoryEvents7)["oom_group_kill"] == 1)
        #expect(FlatKeyed(KernelTexts.cpuStatBare)["nr_throttled"] == nil)
        #expect(FlatKeyed("populated 0\nfrozen 0\n")["populated"] == 0)
    }

    @Test func `a key is matched whole`() {
        let events = FlatKeyed("oom_kill 5\nmax 1\n")
        #expect(events["oom"] == nil)
        #expect(events["oom_kil"] == nil)
        #expect(events["max"] == 1)
    }

    @Test func `keys with dots are keys`() {
        #expect(FlatKeyed(KernelTexts.cpuStat612)["core_sched.force_idle_usec"] == 0)
        #expect(FlatKeyed(KernelTexts.cpuStat612)["throttled_usec"] == 860_123)
    }

    @Test(arguments: ["", "\n", "\n\n\n", "garbage", "anon", "anon ", "anon x", " ", "\u{0}\u{0}", "anon\t5"])
    func `nothing usable is empty`(_ text: String) {
        #expect(FlatKeyed(text).isEmpty)
        #expect(FlatKeyed(text)["anon"] == nil)
    }

    @Test func `no file is empty`() { #expect(FlatKeyed(nil).isEmpty) }

    @Test func `a number too large for us is unknown and not something else`() {
        let stat = FlatKeyed(
            "a 9223372036854775807\nb 9223372036854775808\nc 18446744073709551615\nd 99999999999999999999\n")
        #expect(stat["a"] == .max)
        #expect(stat["b"] == nil && stat["c"] == nil && stat["d"] == nil)
    }

    @Test func `a negative number stays negative`() { #expect(FlatKeyed("oom_score -1000\n")["oom_score"] == -1000) }

    @Test func `the last line counts without its newline`() { #expect(FlatKeyed("anon 1\nfile 22")["file"] == 22) }

    @Test func `a text cut off in the middle keeps the whole lines`() {
        let stat = FlatKeyed(String(KernelTexts.memoryStat61.prefix { $0 != "k" }) + "kern")
        #expect(stat["anon"] == 31_457_280 && stat["file"] == 8_192_000)
        #expect(stat["kern"] == nil && stat["kernel"] == nil)
    }

    @Test func `a line of another shape takes no other with it`() {
        let stat = FlatKeyed("anon 1\nnode N0=12 N1=3\nhalf 1.5\nfile 2\n")
        #expect(stat["anon"] == 1 && stat["file"] == 2)
        #expect(stat["node"] == nil && stat["half"] == nil)
    }

    @Test func `no damage brings the parser down`() {
        for text in damaged(KernelTexts.memoryStat61) + damaged(KernelTexts.memoryEvents7) {
            #expect(FlatKeyed(text)["no such key"] == nil)
        }
    }
}

@Suite struct PressureTests {
    @Test func `the totals of both lines`() {
        let pressure = Pressure(KernelTexts.pressure)
        #expect(pressure.someUsec == 2_684_354)
        #expect(pressure.fullUsec == 1_048_577)
    }

    @Test func `cpu.pressure before 5.13 has no full line and so no figure`() {
        let pressure = Pressure(KernelTexts.pressureSome)
        #expect(pressure.someUsec == 41)
        #expect(pressure.fullUsec == nil)
    }

    @Test(arguments: [
        nil, "", "\n", "some", "some avg10=0.00 avg60=0.00 avg300=0.00", "some total=", "some total=x",
        "some total=18446744073709551616", "half total=5", "total=5", "some avg10=0.00 tot",
    ])
    func `what is not a total is unknown`(_ text: String?) {
        #expect(Pressure(text).someUsec == nil)
        #expect(Pressure(text).fullUsec == nil)
    }

    @Test func `order and a missing newline do not matter`() {
        let pressure = Pressure("full total=7\nsome total=9")
        #expect(pressure.someUsec == 9 && pressure.fullUsec == 7)
    }

    @Test func `no damage brings the parser down`() {
        for text in damaged(KernelTexts.pressure) {
            for total in [Pressure(text).someUsec, Pressure(text).fullUsec] {
                if let total { #expect(text.contains("\(total)"), "a figure that is not in the text") }
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

@testable import Supervisor

@Suite struct AncestorLimitsTests {
    @Test func `a counter that rose is told, one that is new or did not is not`() {
        let risen = AncestorLimits.risen([("/a", 3), ("/b", 1)], [("/a", 5), ("/b", 1), ("/c", 7)])
        #expect(risen.map(\.path) == ["/a"] && risen[0].count == 2)
    }

    @Test func `limits above that are tighter, and what they did, are told with their path`() {
        var asked = Limits()
        asked.cpus = CPUCount(milli: 2000)
        asked.pids = 64
        var limits = EffectiveLimits()
        #expect(AncestorLimits(asked: asked, limits: limits).flags.isEmpty)
        (limits.ancestorCPUs, limits.ancestorCPUsPath) = (CPUCount(milli: 500), "/slice")
        (limits.ancestorPids, limits.ancestorPidsPath) = (20, "/slice")
        let flags = AncestorLimits(
            asked: asked, limits: limits, forksRefused: 3, throttled: [("/slice", 4)], refused: [("/top", 5)]
        ).flags
        #expect(flags.allSatisfy { $0.kind == .ancestorLimit })
        #expect(
            flags.map(\.detail) == [
                "it was to have 2 CPUs, and /slice leaves 0.5", "it was to have 64 processes, and /slice leaves 20",
                "the CPU quota of /slice held it and others below back in 4 periods",
                "the pids limit of /top refused 5 forks, to it or to others below",
                "a pids limit of /slice refused it 3 forks, not its own",
            ])
        limits.ancestorPidsPath = nil
        asked.cpus = CPUCount(milli: 500)
        asked.pids = nil
        let hidden = AncestorLimits(asked: asked, limits: limits, forksRefused: 1).flags.map(\.detail)
        #expect(hidden == ["a pids limit above it that cannot be seen from here refused it 1 forks, not its own"])
    }
}

// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Scheduler

/// Random histories; see ``Simulation`` for what is checked at every step.
@Suite struct SimulationTests {
    @Test(arguments: 1...16 as ClosedRange<UInt64>)
    func `every decision is the reference's, and the head never starves`(seed: UInt64) throws {
        var simulation = Simulation(seed: seed, .init())
        try simulation.run()
        #expect(simulation.starts > 50 && simulation.skips > 2, "seed \(seed) shows too little")
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `so it is with a short look-ahead`(seed: UInt64) throws {
        var simulation = Simulation(seed: seed &+ 1000, .init(lookAhead: Int(seed % 4) + 1))
        try simulation.run()
    }

    @Test(arguments: 1...2 as ClosedRange<UInt64>)
    func `long queues keep the limits and drain`(seed: UInt64) throws {
        var simulation = Simulation(seed: seed &+ 2000, .init(steps: 2000, liveJobs: 400, audited: false))
        try simulation.run()
    }
}
